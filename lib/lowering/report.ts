import { operators } from '../aten/index.ts';
import { GET_ITEM, type GraphModule, isArgumentList, isTensorMeta, Node } from '../graph/index.ts';
import type { DType } from '../tensor/index.ts';
import type { LoweringRecord, PassCount, Provenance, RecordedRefusal, Refusal } from './record.ts';

/**
 * How an operator is computed when the model runs:
 * - `step`: a native step computes it, alone or together with others;
 * - `view`: the same memory with another shape or other strides; free unless a step needs it row-major;
 * - `constant`: it depends only on weights and is computed before the first run;
 * - `size`: a number that follows from the inputs' shapes;
 * - `removed`: a pass made it unnecessary.
 */
export type Outcome = 'step' | 'view' | 'constant' | 'size' | 'removed';

/** What became of one operator of the graph that was lowered. */
export interface LoweredNode extends Provenance {
  readonly outcome: Outcome;
  /** Name of the node among `computedBy` that does its work; null if it was removed. */
  readonly lowered: string | null;
  /** Operator of that node: `onednn.qconv2d_pointwise.default`; null for constants that need no operator. */
  readonly step: string | null;
  /** Other operators of the original graph that the same node computes. */
  readonly together: readonly string[];
  /** Element type that the node computes on: its first input's. */
  readonly inputDtype: DType | null;
  /** Element type of the node's result. */
  readonly dtype: DType | null;
  /** The pass that made it unnecessary, if `computedBy` is empty. */
  readonly removedBy?: string;
  /** Why it is not part of a quantized pattern, although it might have been. */
  readonly notFused: readonly Refusal[];
}

/** What lowering did and did not do, as data. */
export interface LoweringReport {
  /** Sums over all rounds, in execution order. */
  readonly passes: readonly PassCount[];
  /** One entry per operator of the original graph, in its order. */
  readonly nodes: readonly LoweredNode[];
  /** Quantized patterns that stayed in float or in several steps, with the reason. */
  readonly refusals: readonly Refusal[];
}

/**
 * The report on a lowered graph. In a graph that was not lowered, every operator computes itself.
 * @param record the history recorded by `lower`, stored with the module.
 */
export function reportOf(
  module: GraphModule,
  record: LoweringRecord = module.meta.lowering ?? untouched(module),
): LoweringReport {
  const graph = new Map(module.graph.nodes.map((node) => [node.name, node]));
  const outcomes = outcomesOf(module);
  const workers = new Map(record.nodes.map((entry) => [entry.node, workerOf(entry, graph, outcomes)]));
  const shares = new Map<Node, string[]>();
  for (const [name, worker] of workers) if (worker) shares.set(worker, [...(shares.get(worker) ?? []), name]);
  return {
    passes: record.passes,
    refusals: record.refusals.map(withoutOperators),
    nodes: record.nodes.map((entry): LoweredNode => {
      const worker = workers.get(entry.node);
      const removedBy = worker ? undefined : entry.passes.at(-1);
      return {
        ...entry,
        outcome: worker ? outcomes.get(worker)! : 'removed',
        lowered: worker?.name ?? null,
        step: worker?.op === 'call_function' ? worker.target : null,
        together: worker ? shares.get(worker)!.filter((name) => name !== entry.node) : [],
        inputDtype: worker?.op === 'call_function' ? dtypeOf(firstInput(worker)) : null,
        dtype: dtypeOf(worker),
        ...(removedBy === undefined ? {} : { removedBy }),
        notFused: record.refusals
          .filter((refusal) => refusal.operators.includes(entry.node))
          .map(withoutOperators),
      };
    }),
  };
}

function withoutOperators({ node, pass, reason }: RecordedRefusal): Refusal {
  return { node, pass, reason };
}

function untouched({ graph }: GraphModule): LoweringRecord {
  const calls = graph.nodes.filter((node) => node.op === 'call_function');
  const nodes = calls.map(({ name, target }) => ({ node: name, target, computedBy: [name], passes: [] }));
  return { passes: [], nodes, refusals: [] };
}

/**
 * Of the nodes that compute an operator, the one that does its work: one of the same operator if there is one (other
 * nodes were moved over it), else the last that is a step, else the last.
 */
function workerOf(
  { target, computedBy }: Provenance,
  graph: ReadonlyMap<string, Node>,
  outcomes: ReadonlyMap<Node, Outcome>,
): Node | undefined {
  const nodes = computedBy.flatMap((name) => graph.get(name) ?? []);
  return (
    nodes.findLast((node) => node.target === target) ??
    nodes.findLast((node) => outcomes.get(node) === 'step') ??
    nodes.at(-1)
  );
}

/** What becomes of each node but the inputs and the output, in one walk: a constant has as many ways to it as it likes. */
function outcomesOf({ graph }: GraphModule): ReadonlyMap<Node, Outcome> {
  const outcomes = new Map<Node, Outcome>();
  const isFixed = (node: Node) => ['size', 'constant'].includes(outcomes.get(node) ?? 'step');
  for (const node of graph.nodes)
    if (node.op !== 'placeholder' && node.op !== 'output') outcomes.set(node, outcomeOf(node, isFixed));
  return outcomes;
}

function outcomeOf(node: Node, isFixed: (input: Node) => boolean): Outcome {
  if (isSize(node)) return 'size';
  if (node.op === 'call_module') return 'step';
  if (node.op === 'get_attr' || node.allInputNodes.every(isFixed)) return 'constant';
  if (node.target === GET_ITEM) return 'view';
  const { definition } = operators.get(node.target);
  return 'view' in definition || 'strided' in definition ? 'view' : 'step';
}

function isSize({ meta: { val } }: Node): boolean {
  return val !== undefined && !Array.isArray(val) && !isTensorMeta(val);
}

function firstInput(node: Node): Node | undefined {
  const tensors = node.args.flatMap((arg) => (isArgumentList(arg) ? [...arg] : [arg]));
  return tensors.find((arg) => arg instanceof Node);
}

function dtypeOf(node: Node | undefined): DType | null {
  return isTensorMeta(node?.meta.val) ? node.meta.val.dtype : null;
}

/** The refusals as lines of text, for error messages and printouts. */
export function formatRefusals(refusals: readonly Refusal[]): string {
  return refusals.map(({ node, pass, reason }) => `  ${node} (${pass}): ${reason}`).join('\n');
}
