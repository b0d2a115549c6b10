import type { DType } from '../../../../tensor/index.ts';
import { dtypeOfOnnx } from '../../dtype.ts';
import type { OnnxCall } from '../call.ts';
import { ComputedValue, type OnnxValue, SizesValue } from '../values.ts';
import { arithmeticFolders } from './arithmetic.ts';
import type { Folder } from './call.ts';
import { type Elements, elementsOf, valueFrom } from './elements.ts';
import { movementFolders } from './movement.ts';

const folders: ReadonlyMap<string, Folder> = new Map(
  Object.entries({ ...arithmeticFolders, ...movementFolders }),
);

/** Inputs that a node must have, where that is more than the first. */
const leastInputs: Readonly<Record<string, number>> = {
  Where: 3,
  CastLike: 2,
  Mod: 2,
  Gather: 2,
  Reshape: 2,
  Expand: 2,
  Tile: 2,
  Range: 3,
};

/** Floating-point constants with more elements than this are computed by Octavo's operators. */
const fewElements = 256;

/**
 * Computes a node in JavaScript where all of its inputs are known or are sizes: the arithmetic on shapes by which
 * exporters write reshapes, slices and paddings.
 * @returns the results; undefined where the node is left to its reader.
 */
export function fold(call: OnnxCall): readonly OnnxValue[] | undefined {
  const folder = folders.get(call.opType);
  if (!folder || !call.inputs.every((input) => !input || isFolded(input))) return undefined;
  // The reader says which one is missing.
  const least = Array.from({ length: leastInputs[call.opType] ?? 1 }, (_, i) => call.inputs[i]);
  const takesAll = call.opType in arithmeticFolders || call.opType === 'Concat';
  if (least.includes(undefined) || (takesAll && call.inputs.includes(undefined))) return undefined;
  const { writer } = call;
  const results = folder({
    opset: call.opset,
    attributes: call.attributes,
    inputs: call.inputs.map((input) => input && elementsOf(input)),
    ranges: writer.module.rangeConstraints,
    dtype: call.opType === 'Cast' ? computedDtype(call.attributes.int('to')) : undefined,
    learn: (size, target, args) => writer.sizes.learn(size, () => writer.sizes.computed(target, args)),
  });
  if (!results) return undefined;
  const list = Array.isArray(results) ? (results as readonly Elements[]) : [results as Elements];
  return list.map((elements) => valueFrom(elements, writer.origin.name));
}

/** float16 is computed in float32. */
function computedDtype(code: number): DType | undefined {
  const dtype = dtypeOfOnnx(code);
  return dtype === 'float16' ? 'float32' : dtype;
}

function isFolded(value: OnnxValue): boolean {
  if (value instanceof ComputedValue) return false;
  if (value instanceof SizesValue) return true;
  if (value.dtype === 'float16') return false;
  const isComputed = value.dtype === 'float32' || value.dtype === 'bfloat16';
  return !isComputed || value.tensor.numel <= fewElements;
}
