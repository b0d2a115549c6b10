import { dataMovement } from '../../backend/index.ts';

/** Operators that move, drop or repeat elements, or select the greatest of several, but compute nothing. */

/**
 * Whether quantize and dequantize (per tensor, with a positive scale) commute with the operator. It selects elements of
 * its input and only compares them, and quantization preserves order.
 */
export function movesData(target: string): boolean {
  return moving.has(target);
}

/** Whether the result has fewer elements than the input, or drops some: quantizing before it would do unneeded work. */
export function dropsData(target: string): boolean {
  return dropping.has(target);
}

/** Whether the result repeats elements: dequantizing after it would do unneeded work. */
export function repeatsData(target: string): boolean {
  return repeating.has(target);
}

const dropping = new Set(['aten.slice.Tensor', 'aten.select.int']);
const repeating = new Set(['aten.expand.default']);
const moving = new Set(dataMovement.flatMap(({ operators }) => operators));
