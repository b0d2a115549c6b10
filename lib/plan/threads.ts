import { stepMicroseconds } from './estimate.ts';
import type { StepOperands } from './work.ts';

/**
 * Time a step must last on one core, in microseconds, for each thread that shares it: below, meeting at the barrier takes
 * longer than what the thread saves, and much longer when another process has its core.
 */
const microsecondsPerThread = 8;

/**
 * How many of `limit` threads a plan can use: few when its steps are so short that threads spend their time meeting.
 * @param times how many times as much work each step has, in the plan that is asked about.
 */
export function threadsFor(steps: readonly StepOperands[], limit: number, times = 1): number {
  const total = times * steps.reduce((sum, step) => sum + stepMicroseconds(step), 0);
  const perStep = total / Math.max(1, steps.length);
  return Math.min(limit, Math.max(1, Math.floor(perStep / microsecondsPerThread)));
}
