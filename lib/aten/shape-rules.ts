import { type Dim, dependsOnValues, dimsEqual } from '../graph/index.ts';
import type { DType } from '../tensor/index.ts';

/** Shape rules that several operator families share. */

/**
 * Normalizes an axis that may count from the end.
 * @throws Error when it is out of range.
 */
export function normalizeAxis(axis: number, rank: number, operator: string): number {
  const extents = Math.max(rank, 1);
  if (!Number.isInteger(axis) || axis < -extents || axis >= extents)
    throw new Error(`${operator}: axis ${axis} is out of range for ${rank} extents`);
  return axis < 0 ? axis + extents : axis;
}

/** Several axes, normalized and sorted; all axes if none are named. */
export function normalizeAxes(axes: readonly number[] | null, rank: number, operator: string): number[] {
  if (axes === null || axes.length === 0) return Array.from({ length: rank }, (_, i) => i);
  const normalized = axes.map((axis) => normalizeAxis(axis, rank, operator));
  if (new Set(normalized).size < normalized.length)
    throw new Error(`${operator}: an axis appears twice in [${axes.join(', ')}]`);
  return normalized.sort((a, b) => a - b);
}

/**
 * The shape that two shapes broadcast to (`torch.broadcast_shapes`).
 * @throws Error when they do not broadcast.
 */
export function broadcastShapes(a: readonly Dim[], b: readonly Dim[], operator: string): Dim[] {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, i) => {
    const x = a[i - rank + a.length] ?? 1;
    const y = b[i - rank + b.length] ?? 1;
    if (x === 1 || dimsEqual(x, y)) return y;
    if (y === 1) return x;
    // Two counts may be the same, as of one mask; a plan, which knows the numbers, says where they are not.
    if (typeof x !== 'number' && typeof y !== 'number' && (dependsOnValues(x) || dependsOnValues(y)))
      return x;
    throw new Error(`${operator}: shapes [${a.join(', ')}] and [${b.join(', ')}] do not broadcast`);
  });
}

/**
 * The dtype, if operators compute in it.
 * @throws Error for float16 and float64, which can only be stored and cast.
 */
export function computedDtype(dtype: DType, operator: string): DType {
  if (dtype !== 'float16' && dtype !== 'float64') return dtype;
  throw new Error(
    `${operator}: computing in ${dtype} is not supported; export the model in float32 (model.float())`,
  );
}

/**
 * The dtype of arithmetic on values of two dtypes.
 * @throws Error if neither is floating point: Octavo computes in floating point only.
 */
export function promoteTypes(a: DType, b: DType, operator: string): DType {
  for (const float of ['float32', 'bfloat16'] as const)
    if (a === float || b === float) {
      if (a === b || (float === 'float32' && b !== 'float64' && a !== 'float64')) return float;
      if (float === 'bfloat16' && a !== 'float64' && b !== 'float64' && a !== 'float16' && b !== 'float16')
        return float;
    }
  throw new Error(`${operator}: arithmetic on ${a} and ${b} is not supported; cast to float32`);
}
