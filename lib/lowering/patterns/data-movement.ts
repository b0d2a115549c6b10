import { dataMovement } from '../../backend/index.ts';
import type { DType } from '../../tensor/index.ts';

/** Operators that move, drop or repeat elements, or select the greatest of several, but compute nothing. */

/**
 * Whether quantize and dequantize (per tensor, with a positive scale) commute with the operator. It selects elements of
 * its input and only compares them, and quantization preserves order.
 * @param integers the dtype that it would move: kernels find the greatest of 8-bit integers, not of wider ones.
 */
export function movesData(target: string, integers: DType): boolean {
  return moving.has(target) && (!comparing.test(target) || integers === 'uint8' || integers === 'int8');
}

/** Whether the result has fewer elements than the input, or drops some: quantizing before it would do unneeded work. */
export function dropsData(target: string): boolean {
  return dropping.has(target);
}

/** Whether the result repeats elements: dequantizing after it would do unneeded work. */
export function repeatsData(target: string): boolean {
  return repeating.has(target);
}

const comparing = /^aten\.max_pool/;
const dropping = new Set(['aten.slice.Tensor', 'aten.select.int']);
const repeating = new Set(['aten.expand.default']);
const moving = new Set(dataMovement.flatMap(({ operators }) => operators));
