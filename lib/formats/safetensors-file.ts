import type { FileHandle } from 'node:fs/promises';
import { byteSizeOf, numelOf, Tensor } from '../tensor/index.ts';
import { openFile, readAt } from './open-file.ts';
import {
  decodeSafetensorsHeader,
  type Safetensors,
  type SafetensorsHeader,
  safetensorsHeaderBytes,
  safetensorsPrefixBytes,
} from './safetensors.ts';

/**
 * Reads the header of an open safetensors file.
 * @param path for messages.
 * @throws Error with the cause when the file is truncated, hostile or not a safetensors file.
 */
export async function readSafetensorsHeader(file: FileHandle, path: string): Promise<SafetensorsHeader> {
  const { size } = await file.stat();
  const prefix = await readAt(file, 0, safetensorsPrefixBytes);
  const headerBytes = safetensorsHeaderBytes(prefix, size, path);
  return decodeSafetensorsHeader(await readAt(file, 0, headerBytes), size, path);
}

/**
 * All that a safetensors file holds, each tensor in memory of its own (counterpart: `safetensors.torch.load_file`).
 * @throws Error as {@link readSafetensorsHeader} does, or that the file cannot be opened.
 */
export async function loadSafetensors(path: string): Promise<Safetensors> {
  const file = await openFile(path);
  try {
    const { entries, metadata } = await readSafetensorsHeader(file, path);
    const tensors = new Map<string, Tensor>();
    for (const { key, dtype, shape, position } of entries) {
      const byteLength = numelOf(shape) * byteSizeOf(dtype);
      const bytes = await readAt(file, position, byteLength);
      if (bytes.length < byteLength) throw new Error(`${path} has become shorter while it was read`);
      tensors.set(key, Tensor.fromBytes(dtype, bytes, shape));
    }
    return { tensors, metadata };
  } finally {
    await file.close();
  }
}
