import { markdownTable } from 'markdown-table';
import { operators } from '../../aten/index.ts';
import { coreAten, isDecomposed, refusalOf } from '../../capture/index.ts';

/**
 * How Octavo computes an operator: by a native step, the same in the interpreter and in a plan; as a view of memory,
 * which costs nothing in a plan; as a number that is known when a plan is built; as other operators, which readers put
 * in its place; or not at all.
 */
type Way = 'step' | 'view' | 'size' | 'decomposed' | 'none';

interface OperatorDescription {
  readonly operator: string;
  readonly way: Way;
  /** Why it is refused. */
  readonly note?: string;
}

const inWords: Readonly<Record<Way, string>> = {
  step: 'native step',
  view: 'view',
  size: 'number, when a plan is built',
  decomposed: 'read as other operators',
  none: 'no',
};

/** Core ATen as `octavo info --operators` shows it, for `--json`. */
export function describeOperators(): {
  readonly total: number;
  readonly supported: number;
  readonly operators: readonly OperatorDescription[];
} {
  const all = coreAten.map(describe);
  return { total: all.length, supported: all.filter(({ way }) => way !== 'none').length, operators: all };
}

function describe(operator: string): OperatorDescription {
  // Where only some calls are decomposed, the operator itself computes the others.
  if (!operators.has(operator)) {
    if (isDecomposed(operator)) return { operator, way: 'decomposed' };
    return { operator, way: 'none', note: refusalOf(operator) ?? 'it is not supported' };
  }
  const { definition } = operators.get(operator);
  if ('host' in definition) return { operator, way: 'size' };
  return { operator, way: 'step' in definition ? 'step' : 'view' };
}

/** The same as a table for people, with the total below. */
export function formatOperators(): string {
  const { total, supported, operators: all } = describeOperators();
  const counts = (['step', 'view', 'size', 'decomposed'] as const).map(
    (way) => `${all.filter((one) => one.way === way).length} ${summary[way]}`,
  );
  const rows = all.map(({ operator, way, note }) => [
    operator,
    note ? `${inWords[way]}: ${note}` : inWords[way],
  ]);
  return [
    markdownTable([['Core ATen operator', 'computed by'], ...rows]),
    '',
    `${supported} of ${total}, in the interpreter and in native plans: ${counts.join(', ')}`,
  ].join('\n');
}

const summary: Readonly<Record<Exclude<Way, 'none'>, string>> = {
  step: 'by a native step',
  view: 'as views',
  size: 'as numbers known when a plan is built',
  decomposed: 'read as other operators',
};
