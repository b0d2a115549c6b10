import type { CompiledModel, StepProfile } from '../runtime/index.ts';
import { median } from '../statistics.ts';
import type { Tensor } from '../tensor/index.ts';

/** How long one model is measured, and how often at least and at most. */
const milliseconds = 500;
const [fewest, most] = [5, 100];

/** Steps of a plan, each with the median of its times. */
export interface Timed {
  readonly runs: number;
  readonly steps: readonly StepProfile[];
  /** Nanoseconds of all steps. */
  readonly total: number;
}

/** Times the steps of one request. The first runs compile its plan and warm the caches. */
export function timesOf(model: CompiledModel, inputs: Readonly<Record<string, Tensor>>): Timed {
  for (let i = 0; i < 3; i++) model.profile(inputs);
  const profiles: (readonly StepProfile[])[] = [];
  const end = performance.now() + milliseconds;
  while (profiles.length < fewest || (profiles.length < most && performance.now() < end))
    profiles.push(model.profile(inputs));
  const steps = profiles[0].map((step, i) => ({
    ...step,
    nanoseconds: median(profiles.map((profile) => profile[i].nanoseconds)),
  }));
  return {
    runs: profiles.length,
    steps,
    total: steps.reduce((sum, { nanoseconds }) => sum + nanoseconds, 0),
  };
}
