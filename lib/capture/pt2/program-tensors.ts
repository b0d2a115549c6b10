import type { JsonCursor } from '../../formats/json-cursor.ts';
import type { Tensor } from '../../tensor/index.ts';
import type { ModelArchive } from './model-archive.ts';

/** The tensors that a program names, by their names. */
export interface ProgramTensors {
  /** Parameters and persistent buffers. */
  readonly state: ReadonlyMap<string, Tensor>;
  /** Constants, and buffers that no state dict holds. */
  readonly constants: ReadonlyMap<string, Tensor>;
}

/**
 * Reads the tensors that a program's signature names, and no others.
 * @throws Error (rejects) that names the weight when the archive does not have it, or has it damaged.
 */
export async function readTensors(signature: JsonCursor, archive: ModelArchive): Promise<ProgramTensors> {
  const state = new Map<string, Tensor>();
  const constants = new Map<string, Tensor>();
  for (const spec of signature.field('input_specs').items()) {
    const place = tensorOf(spec);
    if (!place) continue;
    const { name, isConstant } = place;
    const tensor = await (isConstant ? archive.constant(name) : archive.weight(name));
    if (!tensor) throw new Error(`the weight '${name}' is missing from the archive`);
    (isConstant ? constants : state).set(name, tensor);
  }
  return { state, constants };
}

/** Which tensor an input of the lifted graph stands for; undefined for a user's input and what holds no tensor. */
export function tensorOf(
  spec: JsonCursor,
): { readonly name: string; readonly isConstant: boolean } | undefined {
  const [kind, at] = spec.union();
  switch (kind) {
    case 'parameter':
      return { name: at.field('parameter_name').string(), isConstant: false };
    case 'buffer':
      return { name: at.field('buffer_name').string(), isConstant: !at.field('persistent').bool() };
    case 'tensor_constant':
      return { name: at.field('tensor_constant_name').string(), isConstant: true };
    default:
      return undefined;
  }
}
