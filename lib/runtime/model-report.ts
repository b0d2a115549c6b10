import { isQuantizedDecomposed } from '../aten/index.ts';
import { formatRefusals, type LoweredNode, type LoweringReport } from '../lowering/report.ts';
import type { PlanDescription, StepDescription } from './plan-description.ts';
import { alignColumns } from './text-columns.ts';

/** One step of a plan that contributes to an operator: it computes it, or copies its result. */
export interface ReportedStep extends Pick<StepDescription, 'op' | 'implementation'> {
  /** Index in {@link PlanDescription.steps}. */
  readonly index: number;
}

/** The fate of one operator of the captured graph, down to the kernel. */
export interface ReportedNode extends LoweredNode {
  /** Steps of the plan that compute it; empty if it costs nothing there, or if there is no plan yet. */
  readonly steps: readonly ReportedStep[];
}

/** The lowering report joined with the steps of a plan. */
export interface ModelReport extends LoweringReport {
  /** One entry for each operator of the graph that was passed to `lower` (to `compile`, if it was not lowered). */
  readonly nodes: readonly ReportedNode[];
  /** Inputs of the plan that `steps` and `implementation` refer to; null if there is no plan yet. */
  readonly inputs: PlanDescription['inputs'] | null;
}

/** Names of the operators that each lowered node computes, except quantize and dequantize. */
export function operatorsByNode({ nodes }: LoweringReport): ReadonlyMap<string, readonly string[]> {
  const names = new Map<string, string[]>();
  for (const { node, target, lowered } of nodes)
    if (lowered !== null && !isQuantizedDecomposed(target))
      names.set(lowered, [...(names.get(lowered) ?? []), node]);
  return names;
}

/** Finds the plan's steps for every operator. */
export function joinReport(report: LoweringReport, plan: PlanDescription | undefined): ModelReport {
  const stepsOf = new Map<string, ReportedStep[]>();
  plan?.steps.forEach(({ node, op, implementation }, index) => {
    stepsOf.set(node, [...(stepsOf.get(node) ?? []), { index, op, implementation }]);
  });
  const nodes = report.nodes.map((node) => ({ ...node, steps: stepsOf.get(node.lowered ?? '') ?? [] }));
  return { ...report, nodes, inputs: plan?.inputs ?? null };
}

/**
 * The report as text. Each lowered node has a line with its kind, its dtypes and its kernel, followed by the operators
 * that it computes. Then come the operators that cost nothing, what each pass did, and what stayed in float.
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

/** The kind of a lowered node, its dtypes, and the kernels of its steps. */
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
