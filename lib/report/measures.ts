import type { Comparison } from '../numerics/index.ts';
import type { Measures } from './facts.ts';

/** JSON has no Infinity: null says that nothing differs. */
export const finiteOrNull = (sqnr: number): number | null => (Number.isFinite(sqnr) ? sqnr : null);

/** The measures alone of what may say more. */
export function measuresOf(comparison: Comparison): Measures {
  const { sqnr, mseLoss, normalizedL2Error, cosineSimilarity, maxError } = comparison;
  return { sqnr: finiteOrNull(sqnr), mseLoss, normalizedL2Error, cosineSimilarity, maxError };
}
