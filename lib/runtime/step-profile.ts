import type { StepDescription } from './plan-description.ts';

/** One time that a step ran. */
export interface StepRun {
  /** Which of the threads that compute parts of a batch side by side it was; 0 where they share each step. */
  readonly lane: number;
  /** When it began, in nanoseconds on the clock of `process.hrtime`. */
  readonly start: number;
  readonly nanoseconds: number;
}

/** A step and the time it took. */
export interface StepProfile extends StepDescription {
  /** When it began first, in nanoseconds on the clock of `process.hrtime`. */
  readonly start: number;
  /** How long it took: where the batch is divided, all parts together, over the threads that computed them side by side. */
  readonly nanoseconds: number;
  /** Each time it ran: once for every part of the batch. */
  readonly runs: readonly StepRun[];
}

/** @param times what the native executor measured: for each part its lane, and start and duration of each step. */
export function stepProfiles(
  steps: readonly StepDescription[],
  parts: number,
  times: Float64Array,
): StepProfile[] {
  const perPart = 1 + 2 * steps.length;
  const laneOf = (part: number) => times[part * perPart];
  let lanes = 1;
  for (let part = 0; part < parts; part++) lanes = Math.max(lanes, 1 + laneOf(part));
  return steps.map((step, i) => {
    const runs = Array.from({ length: parts }, (_, part): StepRun => {
      const at = part * perPart + 1 + 2 * i;
      return { lane: laneOf(part), start: times[at], nanoseconds: times[at + 1] };
    });
    const total = runs.reduce((sum, { nanoseconds }) => sum + nanoseconds, 0);
    const start = runs.reduce((first, run) => Math.min(first, run.start), Number.POSITIVE_INFINITY);
    return { ...step, start, nanoseconds: total / lanes, runs };
  });
}
