import type { ScheduledStep } from './schedule.ts';
import { bytesMoved, multiplyAdds } from './work.ts';

/**
 * Time a step must last on one core, in microseconds, for each thread that shares it: below, meeting at the barrier takes
 * longer than what the thread saves, and much longer when another process has its core.
 */
const microsecondsPerThread = 8;

/** What one core does in a microsecond, roughly: multiply-adds of 8-bit integers and of floats, and bytes moved. */
const rates = { integer: 200_000, float: 50_000, bytes: 20_000 };

/** How many of `limit` threads a plan can use: few when its steps are so short that threads spend their time meeting. */
export function threadsFor(steps: readonly ScheduledStep[], limit: number): number {
  const total = steps.reduce((sum, step) => sum + microseconds(step), 0);
  const perStep = total / Math.max(1, steps.length);
  return Math.min(limit, Math.max(1, Math.floor(perStep / microsecondsPerThread)));
}

/** An estimate of the time a step takes on one core. */
function microseconds(step: ScheduledStep): number {
  const [{ dtype }] = step.inputs;
  const rate = dtype === 'uint8' || dtype === 'int8' ? rates.integer : rates.float;
  return multiplyAdds(step) / rate + bytesMoved(step) / rates.bytes;
}
