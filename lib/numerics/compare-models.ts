import { checkSignal, untilAborted } from '../abort.ts';
import type { GraphModule, ModelInputs } from '../graph/index.ts';
import { checkOptions, type OptionNames } from '../options.ts';
import { checkBatches } from '../quantization/calibrate.ts';
import type { Tensor } from '../tensor/index.ts';
import type { ComparedNode } from './compare-results.ts';
import type { GivenInputs, NodeOfModel } from './compared-graph.ts';
import { addSums, type Comparison, comparisonOf, noSums, relativeErrorOf } from './comparison.ts';
import { type Differences, placeOf, RunningComparison } from './running-comparison.ts';

/** By how much the values of one node differ, over all batches. */
export interface NodeComparison extends ComparedNode, Comparison {
  /** `sqrt(Σ (x - y)² / Σ y²)`, relative to the reference: 1 where the value is lost, and where only the reference's values are all 0. */
  readonly relativeError: number;
  /** Handles of the compared nodes whose errors reach this one directly. None in {@link compareModelShadows}. */
  readonly inputs: readonly number[];
  /** By name, what each of the user's comparators found: one number a batch. */
  readonly comparisons: Readonly<Record<string, readonly number[]>>;
}

/** A measure of one node's values, float32 also where they are quantized: `computeSqnr`, or a user's own. */
export type Comparator = (actual: Tensor, ref: Tensor) => number;

/** Options of {@link compareModelOutputs} and {@link compareModelShadows}. */
export interface CompareOptions {
  /**
   * Other measures by name (counterpart: `comparison_fn` of `torch.ao.ns`), called for every node and batch. Values then leave the plan, one
   * batch at a time: a comparison needs more memory and time with comparators.
   */
  readonly comparators?: Readonly<Record<string, Comparator>>;
  /** Called after every batch with the number of batches done. */
  readonly onProgress?: (batches: number) => void;
  /** Stops before the next batch, also while that is still to come, and closes the iterator. */
  readonly signal?: AbortSignal;
}

const compareOptions: OptionNames<CompareOptions> = {
  comparators: true,
  onProgress: true,
  signal: true,
};

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
 * @param reference usually the captured model; any stage that has numeric debug handles. One that is prepared for training rounds by the ranges it has.
 * @param actual another stage of the same model.
 * @param batches as for `calibrate`: each is the model's only input, its inputs in order, or its inputs by name.
 * @returns by handle, in the order of the reference, without nodes whose values have no elements. As in PyTorch's debugger the signal of SQNR is the actual value.
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
  checkBatches(batches, where);
  const comparators = Object.entries(options.comparators ?? {});
  for (const [name, comparator] of comparators)
    if (typeof comparator !== 'function')
      throw new Error(
        `${where}: comparator '${name}' must be a function of two tensors, got a ${typeof comparator}`,
      );
  using running = new RunningComparison(reference, [actual], given, comparators.length > 0, where);
  const found = running.nodes.map((node) => new FoundDifferences(node, comparators));
  let done = 0;
  for await (const batch of untilAborted(batches, options.signal)) {
    try {
      for (const [i, differences] of (await running.run(batch)).entries()) found[i].add(differences);
    } catch (error) {
      throw new Error(`${where}: batch ${done}: ${(error as Error).message}`, { cause: error });
    }
    done++;
    options.onProgress?.(done);
  }
  if (done === 0) throw new Error(`${where}: there are no batches; it needs at least one`);
  // Of a value without elements nothing can be said.
  return new Map(found.filter(({ count }) => count > 0).map((each) => [each.node.handle, each.result()]));
}

/** What the values of one node differ by, batch after batch. */
class FoundDifferences {
  readonly node: NodeOfModel;
  readonly #comparators: readonly (readonly [string, Comparator])[];
  readonly #comparisons: ReadonlyMap<string, number[]>;
  #sums = noSums;

  constructor(node: NodeOfModel, comparators: readonly (readonly [string, Comparator])[]) {
    this.node = node;
    this.#comparators = comparators;
    this.#comparisons = new Map(comparators.map(([name]) => [name, []]));
  }

  /** Of elements. */
  get count(): number {
    return this.#sums.count;
  }

  add({ sums, values }: Differences): void {
    this.#sums = addSums(this.#sums, sums);
    if (sums.count === 0) return;
    for (const [name, comparator] of this.#comparators) {
      const value = this.#call(name, comparator, values!);
      if (typeof value !== 'number')
        throw new Error(
          `${placeOf(this.node)}: comparator '${name}' must return a number, got ${typeof value}`,
        );
      this.#comparisons.get(name)!.push(value);
    }
  }

  #call(name: string, comparator: Comparator, values: NonNullable<Differences['values']>): number {
    try {
      return comparator(...values);
    } catch (error) {
      throw new Error(`${placeOf(this.node)}: comparator '${name}': ${(error as Error).message}`, {
        cause: error,
      });
    }
  }

  result(): NodeComparison {
    const { model: _, ...node } = this.node;
    return {
      ...node,
      ...comparisonOf(this.#sums),
      relativeError: relativeErrorOf(this.#sums),
      comparisons: Object.fromEntries(this.#comparisons),
    };
  }
}
