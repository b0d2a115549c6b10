import { stepMicroseconds } from './estimate.ts';
import type { StepOperands } from './work.ts';

/**
 * Time that a step must last on one core, in microseconds, for each thread that shares it. Below, meeting at the
 * barrier costs more than the thread saves, and much more when another process has its core.
 */
const microsecondsPerThread = 8;

/**
 * How many of `limit` threads a plan can use: few if its steps are so short that threads spend their time at barriers.
 * @param times the factor by which the work of each step is larger in the plan in question.
 */
export function threadsFor(steps: readonly StepOperands[], limit: number, times = 1): number {
  const total = times * steps.reduce((sum, step) => sum + stepMicroseconds(step), 0);
  const perStep = total / Math.max(1, steps.length);
  return Math.min(limit, Math.max(1, Math.floor(perStep / microsecondsPerThread)));
}
