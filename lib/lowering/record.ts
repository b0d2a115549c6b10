/** How often a pass changed the graph. */
export interface PassCount {
  readonly pass: string;
  readonly count: number;
}

/** A pattern that begins as a pass wants it, but could not be rewritten. */
export interface Refusal {
  /** Name of the node, in the graph as it was then. */
  readonly node: string;
  readonly pass: string;
  readonly reason: string;
}

/** A refusal with the operators of the given graph that the node stood for. */
export interface RecordedRefusal extends Refusal {
  readonly operators: readonly string[];
}

/** Where one operator of the graph given to `lower` went. */
export interface Provenance {
  /** Name and operator in that graph. */
  readonly node: string;
  readonly target: string;
  /** Names of the lowered nodes that compute it, or hold its value; empty where nothing is left of it. */
  readonly computedBy: readonly string[];
  /** Passes that moved, fused, folded or removed it, in the order they did. */
  readonly passes: readonly string[];
}

/** What lowering remembers of its way; with the lowered graph it makes the report. Saved with a model. */
export interface LoweringRecord {
  /** Sums over all rounds, in the order the passes run. */
  readonly passes: readonly PassCount[];
  /** One entry an operator of the given graph, in its order. */
  readonly nodes: readonly Provenance[];
  /** Quantized patterns that stayed in float or in several steps, and why. */
  readonly refusals: readonly RecordedRefusal[];
}

declare module '../graph/graph-module.ts' {
  interface GraphModuleMeta {
    /** Set by `lower`. */
    lowering?: LoweringRecord;
  }
}
