import { bytesMoved, multiplyAdds, type StepOperands } from './work.ts';

/**
 * What work costs on one core: every figure by which a plan is chosen. They only have to order alternatives correctly;
 * where the order is close, `tune` measures. "Zen 3" is the machine of docs/lab/2026-11-avx2.md: two virtual CPUs of an AMD
 * EPYC, AVX2 without VNNI.
 */
export const costs = {
  /**
   * Multiply-adds of 8-bit integers in a microsecond. Assumed 2026-11-23 for cores with VNNI, four to a float's one; Zen 3
   * measured 54,000 to 70,000 (docs/lab/2026-11-avx2.md).
   */
  integerMultiplyAdds: 200_000,
  /** Multiply-adds of floats in a microsecond. Assumed 2026-11-23: two fused ones on 8 floats a cycle, at 3.1 GHz. */
  floatMultiplyAdds: 50_000,
  /** Bytes moved in a microsecond. Assumed 2026-11-23, from beyond the caches. */
  bytes: 20_000,
  /**
   * Time that a step must last on one core, in microseconds, for each thread that shares it. Below, meeting at the barrier
   * costs more than the thread saves, and much more when another process has its core. Zen 3, 2026-11-23: an int8 network
   * of 40 microseconds lasted 660 to 2300 on two threads next to other processes.
   */
  microsecondsPerThread: 8,
  /**
   * Time for lanes to start on their parts and to meet again, in microseconds. Zen 3, 2026-11-28: an estimate, set
   * while batches of 16 of ResNet-18, ResNet-50 and MobileNet V2 were measured whole and in parts.
   */
  meeting: 30,
  /** The fixed cost of a step in microseconds: the call, and the first lines of memory. Estimated with {@link meeting}. */
  stepOverhead: 1,
  /** The share of their speed that threads keep if they share every step. Estimated with {@link meeting}. */
  sharing: 0.95,
  /** Second- and third-level cache of one core in bytes. Assumed 2026-11-28: 1 to 2 MiB, and its share of the last level. */
  cacheBytes: 4 * 2 ** 20,
  /**
   * Multiply-adds of float32 convolutions whose savings in blocks of channels pay for one byte of a copy. Zen 3, 2026-11-25,
   * 64 channels, kernel 3: a thousand multiply-adds are some 10 ns faster in blocks; copying a thousand bytes costs 50 ns.
   * This is twice the number at which the two are equal.
   */
  multiplyAddsPerCopiedByte: 10,
} as const;

/** Estimates the time for a step's products on one core, in microseconds; 0 if it has none. */
export function productMicroseconds(step: StepOperands): number {
  // A step that fills a tensor has no inputs.
  const dtype = step.inputs[0]?.dtype;
  const isInteger = dtype === 'uint8' || dtype === 'int8';
  return multiplyAdds(step) / (isInteger ? costs.integerMultiplyAdds : costs.floatMultiplyAdds);
}

/** Estimates the time of a step on one core, in microseconds. */
export function stepMicroseconds(step: StepOperands): number {
  return productMicroseconds(step) + bytesMoved(step) / costs.bytes;
}
