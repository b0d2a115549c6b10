import type { JsonCursor } from '../../formats/json-cursor.ts';
import { type Argument, type Graph, Node, type OperatorLibrary, type Schema } from '../../graph/index.ts';
import { trainingSwitches } from '../../transforms/training-mode.ts';
import { decompositions } from '../decompositions/all.ts';

/**
 * Whether a call only counts batches: `num_batches_tracked.add_(1)`, which a batch norm in training mode begins with.
 * Nothing else of a program reads the count.
 */
export function countsBatches(target: string, args: readonly Argument[]): boolean {
  const [written] = args;
  return (
    target === 'aten.add_.Tensor' &&
    written instanceof Node &&
    written.op === 'get_attr' &&
    /(^|\.)num_batches_tracked$/.test(written.target)
  );
}

/**
 * Switches a program that was exported in training mode to evaluation mode, as if `model.eval()` had been called before
 * the export: dropouts return their input, and batch norms use their running statistics (counterpart: torchao's
 * `move_exported_model_to_eval`). A batch norm without running statistics is not changed: it has one mode only.
 */
export function toEvaluationMode(graph: Graph, library: OperatorLibrary): void {
  for (const node of graph.nodes) {
    const schema = decompositions.get(node.target)?.[0].schema ?? schemaOf(library, node.target);
    if (node.op !== 'call_function' || !schema) continue;
    const names = schema.arguments.map(({ name }) => name);
    const at = names.findIndex((name) => trainingSwitches.has(name));
    if (node.args[at] === true && hasRunningStatistics(names, node.args))
      node.setArguments(node.args.with(at, false), node.kwargs);
    // Attention has no switch: in training mode modules pass their probability, otherwise 0.
    const dropout = names.indexOf('dropout_p');
    if (dropout >= 0 && node.args[dropout]) node.setArguments(node.args.with(dropout, 0), node.kwargs);
  }
}

const schemaOf = (library: OperatorLibrary, target: string): Schema | undefined =>
  library.has(target) ? library.get(target).schema : undefined;

function hasRunningStatistics(names: readonly string[], args: readonly Argument[]): boolean {
  const mean = names.indexOf('running_mean');
  return mean < 0 || args[mean] instanceof Node;
}

/** Whether a node of the document is a call in training mode, such as {@link toEvaluationMode} changes. */
export function isSwitchedToTraining(node: JsonCursor): boolean {
  return node
    .field('inputs')
    .items()
    .some((input) => {
      if (!trainingSwitches.has(input.field('name').string())) return false;
      const [kind, value] = input.field('arg').union();
      return kind === 'as_bool' && value.bool();
    });
}
