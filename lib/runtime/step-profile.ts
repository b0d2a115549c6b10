import type { StepDescription } from './plan-description.ts';

/** One execution of a step. */
export interface StepRun {
  /** The lane that computed it, if parts of a batch are computed at the same time; 0 if the threads share each step. */
  readonly lane: number;
  /** Its start, in nanoseconds on the clock of `process.hrtime`. */
  readonly start: number;
  readonly nanoseconds: number;
}

/** A step and its time. */
export interface StepProfile extends StepDescription {
  /** Its first start, in nanoseconds on the clock of `process.hrtime`. */
  readonly start: number;
  /** Its duration. For a divided batch: all parts together, divided by the number of lanes. */
  readonly nanoseconds: number;
  /** Each execution: one for every part of the batch. */
  readonly runs: readonly StepRun[];
}

/** @param times the native executor's measurements: for each part its lane, and start and duration of each step. */
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
