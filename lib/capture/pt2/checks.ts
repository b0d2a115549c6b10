import type { JsonCursor } from '../../formats/json-cursor.ts';
import {
  type Argument,
  dependsOnValues,
  type GraphModule,
  modelLine,
  Node,
  type OperatorLibrary,
  propagateShapes,
  SymInt,
  type TensorMeta,
} from '../../graph/index.ts';
import { refusalOf } from '../core-aten.ts';
import { decompositions } from '../decompositions/all.ts';
import { COND } from './condition.ts';

/** The operator that a node of the document calls, as graphs name it: `aten.conv2d.default`, `operator.mul`. */
export function targetOf(node: JsonCursor): string {
  return node
    .field('target')
    .string()
    .replace(/^torch\.ops\./, '')
    .replace(/^_operator\./, 'operator.');
}

/**
 * Calls that compute nothing: they assert of tensors what the graph says of them, dtype and layout, so they hold for
 * every request that Octavo's own checks admit. Those of sizes say that these are no negative numbers.
 */
const assertions: ReadonlySet<string> = new Set([
  'aten._assert_tensor_metadata.default',
  'aten.sym_constrain_range.default',
  'aten.sym_constrain_range_for_size.default',
]);

/** Whether a call is left out of the graph. */
export function isAssertion(target: string): boolean {
  return assertions.has(target);
}

/**
 * Whether a call asserts that values have left two elements or more. PyTorch's tracing takes that for granted (`u0 >= 2`); what it
 * has traced also computes with one or none.
 */
export function assertsTwoElements(target: string, [condition]: readonly Argument[]): boolean {
  if (target !== 'aten._assert_scalar.default' || !(condition instanceof Node)) return false;
  const [size, least] = condition.args;
  const meta = size instanceof Node ? size.meta.val : undefined;
  return (
    condition.target === 'operator.ge' &&
    meta instanceof SymInt &&
    dependsOnValues(meta) &&
    Number(least) <= 2
  );
}

/** Whether a program may call an operator. Of a branch only the predicate tells, when the program is read. */
export function isReadable(target: string, library: OperatorLibrary): boolean {
  return library.has(target) || decompositions.has(target) || isAssertion(target) || target === COND;
}

/**
 * Rejects a program with operators that the library does not support.
 * @throws Error that lists all of them, each with its count, the reason if it is refused on purpose, and the line of the model of
 * its first call.
 */
export function checkOperators(graph: JsonCursor, library: OperatorLibrary): void {
  const missing = new Map<string, JsonCursor[]>();
  for (const node of graph.field('nodes').items()) {
    const target = targetOf(node);
    if (!isReadable(target, library)) missing.set(target, [...(missing.get(target) ?? []), node]);
  }
  if (missing.size === 0) return;
  const sorted = [...missing].sort(([a], [b]) => (a < b ? -1 : 1));
  const counts = sorted.map(([target, nodes]) => `${target} (${nodes.length})`);
  const lines = sorted.flatMap(([target, [first]]) => {
    const stackTrace = first.field('metadata').optionalField('stack_trace')?.string();
    const line = modelLine({ meta: stackTrace === undefined ? {} : { stackTrace } });
    const reason = refusalOf(target);
    return line === '' && !reason ? [] : [`\n    ${target}${reason ? `: ${reason}` : ''}${line}`];
  });
  throw new Error(`operators that are not supported: ${counts.join(', ')}${lines.join('')}`);
}

/**
 * Computes the shapes of all results. This rejects calls that their operator does not support, such as an unsupported
 * mode, when the program is loaded rather than during calibration.
 * @throws Error that names the node and the line of the model.
 */
export function checkShapes(module: GraphModule, library: OperatorLibrary): void {
  const inputs = module.graph.placeholders.map((node) => node.meta.val as TensorMeta);
  // Calls that the document does not contain have no meta yet.
  for (const [node, meta] of propagateShapes(module, inputs, library)) node.meta.val ??= meta;
}
