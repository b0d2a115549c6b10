import type { DType } from '../tensor/index.ts';

/** How often a pass changed the graph. */
export interface PassCount {
  readonly pass: string;
  readonly count: number;
}

/** What became of one operator of the graph that was lowered. */
export interface LoweredNode {
  /** Name and operator in the graph given to `lower`. */
  readonly node: string;
  readonly target: string;
  /** Names of the lowered nodes that compute it; empty where nothing has to be computed any more. */
  readonly computedBy: readonly string[];
  /** Operator of the last of them: `onednn.qconv2d_pointwise.default`. */
  readonly step: string | null;
  /** Element type of what that step gives. */
  readonly dtype: DType | null;
  /** The pass that made it unnecessary, where `computedBy` is empty. */
  readonly removedBy?: string;
}

/** A pattern that begins as a pass wants it, but could not be rewritten. */
export interface Refusal {
  readonly node: string;
  readonly pass: string;
  readonly reason: string;
}

/** What lowering did and what it left undone, as data. */
export interface LoweringReport {
  /** Sums over all rounds, in the order the passes run. */
  readonly passes: readonly PassCount[];
  /** One entry an operator of the given graph, in its order. */
  readonly nodes: readonly LoweredNode[];
  /** Quantized patterns that stayed in float or in several steps, and why. */
  readonly refusals: readonly Refusal[];
}

/** The refusals as lines of text, for error messages and printouts. */
export function formatRefusals(refusals: readonly Refusal[]): string {
  return refusals.map(({ node, pass, reason }) => `  ${node} (${pass}): ${reason}`).join('\n');
}
