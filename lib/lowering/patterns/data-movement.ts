import { dataMovement } from '../../backend/index.ts';

/** Operators that move, drop or repeat elements, or take the greatest of several, but compute nothing. */

/**
 * Whether quantize and dequantize (per tensor, with a positive scale) commute with the operator: it gives elements of
 * its input, and only compares them. What holds for floats then holds for the 8-bit integers that stand for them.
 */
export function movesData(target: string): boolean {
  return moving.has(target);
}

/** Whether the result has fewer elements than the input, or drops some: quantizing early would do needless work. */
export function dropsData(target: string): boolean {
  return dropping.has(target);
}

/** Whether the result repeats elements: dequantizing late would do needless work. */
export function repeatsData(target: string): boolean {
  return repeating.has(target);
}

const dropping = new Set(['aten.slice.Tensor', 'aten.select.int']);
const repeating = new Set(['aten.expand.default']);
const moving = new Set(dataMovement.flatMap(({ operators }) => operators));
