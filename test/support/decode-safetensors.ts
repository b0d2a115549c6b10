import {
  decodeSafetensorsHeader,
  type Safetensors,
  safetensorsHeaderBytes,
} from '../../lib/formats/safetensors.ts';
import { byteSizeOf, numelOf, Tensor } from '../../lib/tensor/index.ts';

/**
 * Reads a safetensors file; tensors are views of `bytes` wherever they lie aligned.
 * @param name of the file, for messages.
 * @throws Error that says what is wrong with a file that is cut off, hostile or no safetensors file.
 */
export function decodeSafetensors(bytes: Uint8Array, name: string): Safetensors {
  const headerBytes = safetensorsHeaderBytes(bytes, bytes.length, name);
  const header = decodeSafetensorsHeader(bytes.subarray(0, headerBytes), bytes.length, name);
  const tensors = header.entries.map(({ key, dtype, shape, position }): [string, Tensor] => {
    const data = bytes.subarray(position, position + numelOf(shape) * byteSizeOf(dtype));
    return [key, Tensor.fromBytes(dtype, data, shape)];
  });
  return { tensors: new Map(tensors), metadata: header.metadata };
}
