import type { Tensor } from '../tensor/index.ts';
import { type Comparison, compare } from './comparison.ts';
import type { LoggedValues } from './propagation.ts';

/** The values of one node in one run of both models (counterpart: `QuantizationComparisonResult`). */
export class QuantizationComparisonResult implements Comparison {
  readonly actual: Tensor;
  readonly ref: Tensor;
  readonly mseLoss: number;
  readonly sqnr: number;
  readonly normalizedL2Error: number;
  readonly cosineSimilarity: number;
  readonly maxError: number;

  /** @throws Error when shapes differ, or a value is not a finite number. */
  constructor(actual: Tensor, ref: Tensor) {
    this.actual = actual;
    this.ref = ref;
    const comparison = compare(actual, ref, 'QuantizationComparisonResult');
    this.mseLoss = comparison.mseLoss;
    this.sqnr = comparison.sqnr;
    this.normalizedL2Error = comparison.normalizedL2Error;
    this.cosineSimilarity = comparison.cosineSimilarity;
    this.maxError = comparison.maxError;
  }

  /** Any other measure of both tensors (`loss`). */
  loss<T>(lossFunction: (actual: Tensor, ref: Tensor) => T): T {
    return lossFunction(this.actual, this.ref);
  }
}

/** A node in both models. */
export interface ComparedNode {
  readonly handle: number;
  readonly actualNodeName: string;
  /** Path of the module that the node comes from; empty if unknown. */
  readonly actualModulePath: string;
  readonly refNodeName: string;
  readonly refModulePath: string;
}

/** What is known of one node after some runs (counterpart: `NodeAccuracySummary`). */
export interface NodeAccuracySummary extends ComparedNode {
  /** One a run. */
  readonly results: readonly QuantizationComparisonResult[];
}

/**
 * Compares what the loggers of two models have kept, node by node (counterpart: `compare_results`). Nodes that one of the models does not have
 * are left out.
 *
 * @example
 * for (const { refNodeName, results } of compareResults(reference, actual).values())
 *   console.log(refNodeName, results[0].sqnr, results[0].loss(computeMaxError));
 *
 * @returns by handle, in the order of the reference. As in PyTorch the signal of SQNR is the actual value.
 * @throws Error that names both nodes when they were not run equally often or their shapes differ, or when nothing can be compared.
 */
export function compareResults(
  refResults: ReadonlyMap<number, LoggedValues>,
  actualResults: ReadonlyMap<number, LoggedValues>,
): ReadonlyMap<number, NodeAccuracySummary> {
  const summaries = new Map<number, NodeAccuracySummary>();
  for (const [handle, ref] of refResults) {
    const actual = actualResults.get(handle);
    if (actual) summaries.set(handle, summarize(handle, ref, actual));
  }
  if (summaries.size === 0)
    throw new Error(
      `compareResults: the models have no node in common, of ${refResults.size} and ${actualResults.size} with values; ` +
        'run both, and make both from the same captured model',
    );
  return summaries;
}

function summarize(handle: number, ref: LoggedValues, actual: LoggedValues): NodeAccuracySummary {
  const where = `compareResults: node '${ref.nodeName}' of the reference, '${actual.nodeName}' of the actual model`;
  if (ref.stats.length !== actual.stats.length)
    throw new Error(
      `${where}: ran ${ref.stats.length} and ${actual.stats.length} times; run both on the same inputs`,
    );
  try {
    return {
      handle,
      actualNodeName: actual.nodeName,
      actualModulePath: actual.modulePath,
      refNodeName: ref.nodeName,
      refModulePath: ref.modulePath,
      results: actual.stats.map((tensor, i) => new QuantizationComparisonResult(tensor, ref.stats[i])),
    };
  } catch (error) {
    throw new Error(`${where}: ${(error as Error).message}`, { cause: error });
  }
}
