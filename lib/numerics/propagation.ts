import { GraphModule, type Node, type NumericDebugHandle } from '../graph/index.ts';
import type { Tensor } from '../tensor/index.ts';
import { handleOf, modulePathOf, nodesByHandle } from './debug-handles.ts';
import { OutputLogger } from './output-logger.ts';
import { unobserved } from './unobserved.ts';

/**
 * A copy of a model, of any stage, that keeps the value of every node with a numeric debug handle when it is run: {@link OutputLogger}s stand
 * after these as `call_module` nodes (counterpart: `prepare_for_propagation_comparison` of `torch.ao.quantization`). Running it does not
 * change the model: observers in the copy do not observe. Values stay in memory until the copy goes;
 * {@link compareModelOutputs} keeps sums instead.
 *
 * @example
 * const [reference, actual] = [captured, converted].map(prepareForPropagationComparison);
 * for (const model of [reference, actual]) new Interpreter(model, operators).run([image]);
 * const summaries = compareResults(extractResultsFromLoggers(reference), extractResultsFromLoggers(actual));
 *
 * @throws Error when no node has a handle: {@link generateNumericDebugHandle} gives them.
 */
export function prepareForPropagationComparison(module: GraphModule): GraphModule {
  const copy = unobserved(module, 'prepareForPropagationComparison');
  nodesByHandle(copy, 'prepareForPropagationComparison');
  for (const node of copy.graph.nodes) {
    const handle = handleOf(node);
    if (handle) insertLogger(copy, node, handle);
  }
  return copy;
}

function insertLogger(module: GraphModule, node: Node, handle: NumericDebugHandle): void {
  const path = module.unusedAttribute(`${node.name}_logger`);
  module.modules.set(path, new OutputLogger(handle, node.name, modulePathOf(node)));
  const logger = module.graph.insertingAfter(node, () => module.graph.callModule(path, [node]));
  node.replaceAllUsesWith(logger);
}

/** What a logger has kept. */
export interface LoggedValues {
  readonly nodeName: string;
  /** Path of the module that the node comes from; empty if unknown. */
  readonly modulePath: string;
  /** One tensor a run. */
  readonly stats: readonly Tensor[];
}

/**
 * By numeric debug handle, what the loggers of a model have kept (counterpart: `extract_results_from_loggers`): of several nodes with the same
 * handle, the last. Loggers that have seen nothing are left out.
 * @throws Error when the model has no loggers.
 */
export function extractResultsFromLoggers(module: GraphModule): ReadonlyMap<number, LoggedValues> {
  const loggers = [...GraphModule.accept(module, 'extractResultsFromLoggers').modules.values()].filter(
    (each) => each instanceof OutputLogger,
  );
  if (loggers.length === 0)
    throw new Error(
      'extractResultsFromLoggers: the model has no loggers; prepareForPropagationComparison makes a copy that has',
    );
  return new Map(
    loggers
      .filter(({ stats }) => stats.length > 0)
      .map(({ debugHandle, nodeName, modulePath, stats }) => [debugHandle, { nodeName, modulePath, stats }]),
  );
}
