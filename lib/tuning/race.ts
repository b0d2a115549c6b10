import type { CompiledModel, ModelInputs, StepProfile } from '../runtime/index.ts';
import type { PairedTimes } from './paired-times.ts';

/** Turns of each model. */
const rounds = 15;

/**
 * Runs two models in turns, in opposite order every other round. The first turn of each does not count.
 * @param time runs a model once and returns its time in milliseconds.
 */
export function takeTurns<Model>(
  current: Model,
  challenger: Model,
  time: (model: Model) => number,
): PairedTimes {
  return takeTurnsOfParts(current, challenger, (model) => [time(model)])[0];
}

/** The same for runs with several parts, each timed separately. */
function takeTurnsOfParts<Model>(
  current: Model,
  challenger: Model,
  time: (model: Model) => readonly number[],
): PairedTimes[] {
  const times = { current: [] as (readonly number[])[], challenger: [] as (readonly number[])[] };
  for (let round = 0; round <= rounds; round++) {
    const first = round % 2 === 0 ? current : challenger;
    const firstTime = time(first);
    const secondTime = time(first === current ? challenger : current);
    if (round === 0) continue;
    times.current.push(first === current ? firstTime : secondTime);
    times.challenger.push(first === current ? secondTime : firstTime);
  }
  return times.current[0].map((_, i) => ({
    current: times.current.map((parts) => parts[i]),
    challenger: times.challenger.map((parts) => parts[i]),
  }));
}

/** Times every step of two plans of the same steps. */
export function raceEachStep(
  current: CompiledModel,
  challenger: CompiledModel,
  inputs: ModelInputs,
): PairedTimes[] {
  return takeTurnsOfParts(current, challenger, (model) =>
    model.profile(inputs).map(({ nanoseconds }) => nanoseconds / 1e6),
  );
}

/** Times two plans that differ in a few steps by these steps only: the time of the others is noise. */
export function raceByDifferingSteps(
  current: CompiledModel,
  challenger: CompiledModel,
  inputs: ModelInputs,
): PairedTimes {
  const [a, b] = [current.profile(inputs), challenger.profile(inputs)];
  const alike = commonEnds(a, b);
  return takeTurns(current, challenger, (model) => {
    const steps = model.profile(inputs).slice(alike.before, model === current ? alike.endA : alike.endB);
    return steps.reduce((sum, { nanoseconds }) => sum + nanoseconds, 0) / 1e6;
  });
}

/**
 * The parts in which two lists of steps differ: from `before` to `endA` in `a`, and to `endB` in `b`. Names are not
 * compared: they are numbered from the start.
 */
function commonEnds(a: readonly StepProfile[], b: readonly StepProfile[]) {
  const key = ({ op, implementation, dtype, shape, layout, bytes }: StepProfile) =>
    [op, implementation, dtype, shape, layout, bytes].join();
  const shorter = Math.min(a.length, b.length);
  let before = 0;
  while (before < shorter && key(a[before]) === key(b[before])) before++;
  let after = 0;
  while (after < shorter - before && key(a[a.length - 1 - after]) === key(b[b.length - 1 - after])) after++;
  return { before, endA: a.length - after, endB: b.length - after };
}
