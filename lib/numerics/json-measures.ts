import type { Comparison } from './comparison.ts';

/** Decibels in JSON, which has no Infinity: null where nothing differs, '-Infinity' where nothing is left of the signal. */
export type JsonDecibels = number | '-Infinity' | null;

/** {@link Comparison} in JSON. */
export interface JsonMeasures extends Omit<Comparison, 'sqnr' | 'normalizedL2Error'> {
  readonly sqnr: JsonDecibels;
  /** Null where nothing is left of the signal. */
  readonly normalizedL2Error: number | null;
}

export function jsonDecibels(decibels: number): JsonDecibels {
  if (Number.isFinite(decibels)) return decibels;
  return decibels > 0 ? null : '-Infinity';
}

/** The measures alone of what may say more. */
export const jsonMeasures = ({
  sqnr,
  mseLoss,
  normalizedL2Error,
  cosineSimilarity,
  maxError,
}: Comparison): JsonMeasures => ({
  sqnr: jsonDecibels(sqnr),
  mseLoss,
  normalizedL2Error: Number.isFinite(normalizedL2Error) ? normalizedL2Error : null,
  cosineSimilarity,
  maxError,
});

/**
 * How large errors are beside the largest of them, from 0 to 1, for bars. One that is infinite fills its own, and leaves the others theirs.
 * @param measures undefined where nothing is known.
 */
export function errorShares(
  measures: readonly (Pick<Comparison | JsonMeasures, 'normalizedL2Error'> | undefined)[],
): readonly number[] {
  const errors = measures.map((each) => (each ? (each.normalizedL2Error ?? Infinity) : 0));
  const largest = Math.max(0, ...errors.filter(Number.isFinite)) || 1;
  return errors.map((error) => Math.min(1, error / largest));
}
