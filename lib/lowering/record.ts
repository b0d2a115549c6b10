/** Number of changes that a pass made. */
export interface PassCount {
  readonly pass: string;
  readonly count: number;
}

/** A pattern that a pass recognized but could not rewrite. */
export interface Refusal {
  /** Name of the node in the graph at that time. */
  readonly node: string;
  readonly pass: string;
  readonly reason: string;
}

/** A refusal, with the operators of the original graph that the node represented. */
export interface RecordedRefusal extends Refusal {
  readonly operators: readonly string[];
}

/** What became of one operator of the graph passed to `lower`. */
export interface Provenance {
  /** The node's name in that graph; `target` is its operator. */
  readonly node: string;
  readonly target: string;
  /** Names of the lowered nodes that compute it or hold its value; empty if nothing is left of it. */
  readonly computedBy: readonly string[];
  /** Passes that moved, fused, folded or removed it, in order. */
  readonly passes: readonly string[];
}

/** The history of a lowering. The report is made from it and the lowered graph. Saved with a model. */
export interface LoweringRecord {
  /** Sums over all rounds, in execution order. */
  readonly passes: readonly PassCount[];
  /** One entry per operator of the original graph, in its order. */
  readonly nodes: readonly Provenance[];
  /** Quantized patterns that stayed in float or in several steps, with the reason. */
  readonly refusals: readonly RecordedRefusal[];
}

declare module '../graph/graph-module.ts' {
  interface GraphModuleMeta {
    /** Set by `lower`. */
    lowering?: LoweringRecord;
  }
}
