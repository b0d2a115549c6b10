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

/** Times the steps of one request. */
export const timesOf = (model: CompiledModel, inputs: Readonly<Record<string, Tensor>>): Timed =>
  timesInTurns([model], inputs)[0];

/**
 * Times the steps of one request in several models. They run in turns, so that what slows the machine for a while slows all of them, and the
 * order changes every round. The first runs compile the plans and warm the caches.
 */
export function timesInTurns(
  models: readonly CompiledModel[],
  inputs: Readonly<Record<string, Tensor>>,
): Timed[] {
  const turns = models.map((model) => ({ model, profiles: [] as (readonly StepProfile[])[] }));
  for (let i = 0; i < 3; i++) for (const { model } of turns) model.profile(inputs);
  const end = performance.now() + milliseconds * models.length;
  for (let round = 0; round < fewest || (round < most && performance.now() < end); round++) {
    for (const { model, profiles } of turns) profiles.push(model.profile(inputs));
    turns.reverse();
  }
  const profilesOf = new Map(turns.map(({ model, profiles }) => [model, profiles]));
  return models.map((model) => mediansOf(profilesOf.get(model)!));
}

function mediansOf(profiles: readonly (readonly StepProfile[])[]): Timed {
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
