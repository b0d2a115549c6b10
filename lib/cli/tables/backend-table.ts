import { markdownTable } from 'markdown-table';
import type { BackendKernels, KernelPattern } from '../../backend/index.ts';

/** One pattern of a backend as `octavo info --backend` tells it. */
interface PatternDescription {
  /** Operators computed together, in order; alternatives stand in one list. */
  readonly pattern: readonly (readonly string[])[];
  readonly inputs: readonly string[];
  readonly weight: string | null;
  readonly outputs: readonly string[];
  /** Whether input and output have the same quantization parameters. */
  readonly sharesQParams: boolean;
  /** The operator after lowering. */
  readonly computedBy: string;
  readonly annotated: KernelPattern['annotated'];
}

/** A backend's patterns as plain data, for `--json`. */
export function describeBackend({ name, patterns }: BackendKernels): {
  readonly backend: string;
  readonly patterns: readonly PatternDescription[];
} {
  return { backend: name, patterns: patterns.map(describe) };
}

function describe(pattern: KernelPattern): PatternDescription {
  const { operator, addition, functions, dtypes, qparams, computedBy, annotated } = pattern;
  return {
    pattern: [
      [operator.name],
      ...(addition ? [['add']] : []),
      ...(functions ? [functions.map(({ name }) => name)] : []),
    ],
    inputs: dtypes.inputs,
    weight: dtypes.weight ?? null,
    outputs: dtypes.outputs,
    sharesQParams: qparams === "input's",
    computedBy: computedBy || operator.operators[0],
    annotated,
  };
}

/** A backend's patterns as a table for people. */
export function formatBackend(backend: BackendKernels): string {
  const rows = backend.patterns
    .map(describe)
    .map((row) => [
      row.pattern.map((alternatives) => alternatives.join(' or ')).join(' → '),
      row.inputs.join(', '),
      row.weight ?? '',
      row.outputs.join(', ') + (row.sharesQParams ? ' (as the input)' : ''),
      row.computedBy,
      row.annotated,
    ]);
  return markdownTable([['pattern', 'inputs', 'weight', 'outputs', 'computed by', 'annotated'], ...rows]);
}
