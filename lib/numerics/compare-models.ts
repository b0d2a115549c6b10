import { checkSignal, untilAborted } from '../abort.ts';
import { operators } from '../aten/index.ts';
import {
  bindInputs,
  declaredInputs,
  type GraphModule,
  type ModelInputs,
  propagateShapes,
  type TensorMeta,
} from '../graph/index.ts';
import { checkOptions, type OptionNames } from '../options.ts';
import { isIterable } from '../quantization/calibrate.ts';
import { compile } from '../runtime/index.ts';
import { numelOf, type Tensor } from '../tensor/index.ts';
import type { ComparedNode } from './compare-results.ts';
import { type ComparedGraph, comparedGraph, type GivenInputs } from './compared-graph.ts';
import { addSums, type Comparison, type ComparisonSums, comparisonOf, noSums } from './comparison.ts';

/** By how much the values of one node differ, over all batches. */
export interface NodeComparison extends ComparedNode, Comparison {}

/** Options of {@link compareModelOutputs} and {@link compareModelShadows}. */
export interface CompareOptions {
  /** Called after every batch with the number of batches done. */
  readonly onProgress?: (batches: number) => void;
  /** Stops before the next batch, also while that is still to come, and closes the iterator. */
  readonly signal?: AbortSignal;
}

const compareOptions: OptionNames<CompareOptions> = { onProgress: true, signal: true };

/**
 * Compares two models node by node while both run on the same inputs, so that a node's error includes those of all before it (counterpart:
 * `torch.ao.ns._numeric_suite.compare_model_outputs`). Both are compiled into one native plan that returns sums: no activation leaves it, and
 * any number of batches needs the memory of one.
 *
 * @example
 * generateNumericDebugHandle(captured);
 * // … prepare, calibrate and convert it
 * const nodes = [...(await compareModelOutputs(captured, converted, batches)).values()];
 * nodes.sort((a, b) => a.sqnr - b.sqnr);
 *
 * @param reference usually the captured model; any stage that has numeric debug handles, but those prepared for training.
 * @param actual another stage of the same model.
 * @param batches as for `calibrate`: each is the model's only input, its inputs in order, or its inputs by name.
 * @returns by handle, in the order of the reference. As in PyTorch's debugger the signal of SQNR is the actual value.
 * @throws Error when no node has a handle, the models have none in common or different inputs, there are no batches; or that says which batch,
 * and which input or node: an input that does not fit, a value that is not a finite number. The signal's reason when it is aborted.
 */
export function compareModelOutputs(
  reference: GraphModule,
  actual: GraphModule,
  batches: AsyncIterable<ModelInputs> | Iterable<ModelInputs>,
  options: CompareOptions = {},
): Promise<ReadonlyMap<number, NodeComparison>> {
  return compareModels(reference, actual, 'own', batches, options, 'compareModelOutputs');
}

/**
 * Compares each node of a model alone: it is given what the reference computes in the place of its inputs (counterpart:
 * `torch.ao.ns._numeric_suite.compare_model_stub`, whose shadow modules run on the float model's activations). A node's error is then its
 * own: of its weight, of how its inputs are quantized, and of how its result is. Everything else is as in {@link compareModelOutputs}.
 *
 * @example
 * const alone = await compareModelShadows(captured, converted, batches);
 * const together = await compareModelOutputs(captured, converted, batches);
 * for (const { handle, refNodeName, sqnr } of together.values()) console.log(refNodeName, sqnr, alone.get(handle)?.sqnr);
 */
export function compareModelShadows(
  reference: GraphModule,
  actual: GraphModule,
  batches: AsyncIterable<ModelInputs> | Iterable<ModelInputs>,
  options: CompareOptions = {},
): Promise<ReadonlyMap<number, NodeComparison>> {
  return compareModels(reference, actual, 'of the reference', batches, options, 'compareModelShadows');
}

async function compareModels(
  reference: GraphModule,
  actual: GraphModule,
  given: GivenInputs,
  batches: AsyncIterable<ModelInputs> | Iterable<ModelInputs>,
  options: CompareOptions,
  where: string,
): Promise<ReadonlyMap<number, NodeComparison>> {
  checkOptions(options, compareOptions, where);
  checkSignal(options.signal, where);
  if (!isIterable(batches))
    throw new Error(`${where}: batches must be an iterable, async or not; a single batch is [batch]`);
  const graph = comparedGraph(reference, actual, given, where);
  using model = compile(graph.module);
  const inputs = declaredInputs(graph.module.graph);
  const sums = graph.nodes.map(() => noSums);
  let done = 0;
  for await (const batch of untilAborted(batches, options.signal)) {
    try {
      const tensors = bindInputs(inputs, batch, graph.module.rangeConstraints);
      const results = await model.run(tensors);
      const inOrder = model.outputs.map(({ name }) => results[name]);
      for (const [i, found] of sumsOfBatch(graph, tensors, inOrder).entries())
        sums[i] = addSums(sums[i], found);
    } catch (error) {
      throw new Error(`${where}: batch ${done}: ${(error as Error).message}`, { cause: error });
    }
    done++;
    options.onProgress?.(done);
  }
  if (done === 0) throw new Error(`${where}: there are no batches; it needs at least one`);
  return new Map(
    graph.nodes.map(({ ref: _, measures: __, ...node }, i) => [
      node.handle,
      { ...node, ...comparisonOf(sums[i]) },
    ]),
  );
}

/** @param results those of the graph, in order. */
function sumsOfBatch(
  { module, nodes }: ComparedGraph,
  inputs: readonly Tensor[],
  results: readonly Tensor[],
): readonly ComparisonSums[] {
  const metas = propagateShapes(module, inputs, operators);
  return nodes.map(({ ref, measures, refNodeName, actualNodeName }, i) => {
    const perSample = results.slice(i * measures.length, (i + 1) * measures.length);
    const values = perSample.map(({ data }) => data as Float32Array);
    const [signal, other, product, noise] = values.map((each) => each.reduce((sum, value) => sum + value, 0));
    const maxError = values[4].reduce((max, value) => Math.max(max, value), 0);
    if (!Number.isFinite(noise))
      throw new Error(
        `node '${refNodeName}' of the reference, '${actualNodeName}' of the actual model: a value is not a finite number`,
      );
    const { shape } = metas.get(ref) as TensorMeta;
    return { count: numelOf(shape as readonly number[]), signal, other, product, noise, maxError };
  });
}
