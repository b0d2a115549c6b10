import { costs, stepMicroseconds } from './cost-model.ts';
import type { StepOperands } from './work.ts';

/**
 * How many of `limit` threads a plan can use: few if its steps are so short that threads spend their time at barriers.
 * @param times the factor by which the work of each step is larger in the plan in question.
 */
export function threadsFor(steps: readonly StepOperands[], limit: number, times = 1): number {
  const total = times * steps.reduce((sum, step) => sum + stepMicroseconds(step), 0);
  const perStep = total / Math.max(1, steps.length);
  return Math.min(limit, Math.max(1, Math.floor(perStep / costs.microsecondsPerThread)));
}
