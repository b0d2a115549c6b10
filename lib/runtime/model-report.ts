import { isQuantizedDecomposed } from '../aten/index.ts';
import { formatRefusals, type LoweredNode, type LoweringReport } from '../lowering/report.ts';
import type { PlanDescription, StepDescription } from './plan-description.ts';
import { alignColumns } from './text-columns.ts';

/** One step of a plan that has a part in an operator: what computes it, or a copy of the result that the plan put in. */
export interface ReportedStep extends Pick<StepDescription, 'op' | 'implementation'> {
  /** Index in {@link PlanDescription.steps}. */
  readonly index: number;
}

/** What became of one operator of the captured graph, down to the kernel. */
export interface ReportedNode extends LoweredNode {
  /** Steps of the plan that do it; none for what costs nothing there, and as long as there is no plan. */
  readonly steps: readonly ReportedStep[];
}

/** The lowering report joined with the steps of a plan. */
export interface ModelReport extends LoweringReport {
  /** One entry an operator of the graph that was given to `lower` (to `compile`, if it was not lowered). */
  readonly nodes: readonly ReportedNode[];
  /** Inputs of the plan that `steps` and `implementation` are of; null as long as there is none. */
  readonly inputs: PlanDescription['inputs'] | null;
}

/** Names of the operators that each lowered node computes, but for quantize and dequantize. */
export function operatorsByNode({ nodes }: LoweringReport): ReadonlyMap<string, readonly string[]> {
  const names = new Map<string, string[]>();
  for (const { node, target, lowered } of nodes)
    if (lowered !== null && !isQuantizedDecomposed(target))
      names.set(lowered, [...(names.get(lowered) ?? []), node]);
  return names;
}

/** Says for every operator which of the plan's steps do it. */
export function joinReport(report: LoweringReport, plan: PlanDescription | undefined): ModelReport {
  const stepsOf = new Map<string, ReportedStep[]>();
  plan?.steps.forEach(({ node, op, implementation }, index) => {
    stepsOf.set(node, [...(stepsOf.get(node) ?? []), { index, op, implementation }]);
  });
  const nodes = report.nodes.map((node) => ({ ...node, steps: stepsOf.get(node.lowered ?? '') ?? [] }));
  return { ...report, nodes, inputs: plan?.inputs ?? null };
}

/**
 * The report as text. For each lowered node a line that says what it is, what it computes on and gives, and which kernel
 * does it, then the operators whose work it does; then those that cost nothing, what each pass did, and what stayed in
 * float.
 */
export function formatReport({ nodes, passes, refusals }: ModelReport): string {
  const groups = new Map<string, ReportedNode[]>();
  for (const node of nodes) {
    const heading = node.outcome === 'removed' ? `removed by ${node.removedBy}` : node.lowered!;
    groups.set(heading, [...(groups.get(heading) ?? []), node]);
  }
  const headings = alignColumns([...groups].map(([heading, [first]]) => [heading, ...summary(first)]));
  const counts = passes
    .filter(({ count }) => count > 0)
    .map(({ pass, count }) => [`  ${pass}`, String(count)]);
  return [
    ...[...groups.values()].flatMap((group, i) => [headings[i], ...group.flatMap(operatorLines)]),
    '',
    'changes by pass:',
    ...(counts.length > 0 ? alignColumns(counts) : ['  none']),
    '',
    ...(refusals.length > 0
      ? ['quantized patterns that were not fused:', formatRefusals(refusals)]
      : ['every quantized pattern was fused']),
  ].join('\n');
}

/** What a lowered node is, its dtypes, and the kernels of its steps. */
function summary(node: ReportedNode): [string, string, string] {
  const { outcome, step, steps, passes, inputDtype, dtype } = node;
  const dtypes = inputDtype === dtype || inputDtype === null ? (dtype ?? '') : `${inputDtype} to ${dtype}`;
  const kernels = steps.map(({ op, implementation }) => `${op} ${implementation}`).join(', then ');
  switch (outcome) {
    case 'step':
      return [step!, dtypes, kernels];
    case 'view':
      return [step!, dtypes, kernels || 'a view: free'];
    case 'constant':
      return [step ?? '', dtypes, `a constant${passes.length > 0 ? `, by ${passes.at(-1)}` : ''}`];
    case 'size':
      return [step!, '', 'a size: known when a plan is made'];
    case 'removed':
      return ['', '', ''];
  }
}

function operatorLines({ node, target, notFused }: ReportedNode): string[] {
  return [`    ${node} (${target})`, ...notFused.map(({ reason }) => `        not fused: ${reason}`)];
}
