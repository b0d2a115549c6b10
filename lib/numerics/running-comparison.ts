import { bindInputs, declaredInputs, type GraphModule, type ModelInputs } from '../graph/index.ts';
import { type CompiledModel, compile } from '../runtime/index.ts';
import type { Tensor } from '../tensor/index.ts';
import { type ComparedGraph, comparedGraph, type GivenInputs } from './compared-graph.ts';
import { type ComparisonSums, sumsOfSamples } from './comparison.ts';

/** What one node's values differ by in one batch. */
export interface Differences {
  readonly sums: ComparisonSums;
  /** Both values, where they are kept. */
  readonly values: readonly [actual: Tensor, ref: Tensor] | undefined;
}

/** A reference and other models in one native plan, which compares them batch after batch. */
export class RunningComparison implements Disposable {
  readonly #graph: ComparedGraph;
  readonly #model: CompiledModel;
  readonly #keepsValues: boolean;

  /** @throws Error as {@link comparedGraph} does. */
  constructor(
    reference: GraphModule,
    actuals: readonly GraphModule[],
    given: GivenInputs,
    keepsValues: boolean,
    where: string,
  ) {
    this.#graph = comparedGraph(reference, actuals, given, keepsValues, where);
    this.#model = compile(this.#graph.module);
    this.#keepsValues = keepsValues;
  }

  get nodes(): ComparedGraph['nodes'] {
    return this.#graph.nodes;
  }

  /**
   * @returns one a node, in order.
   * @throws Error that names the input that does not fit, or the node whose value is not a finite number.
   */
  async run(batch: ModelInputs): Promise<readonly Differences[]> {
    const { module, nodes } = this.#graph;
    const inputs = bindInputs(declaredInputs(module.graph), batch, module.rangeConstraints);
    const results = await this.#model.run(inputs);
    const inOrder = this.#model.outputs.map(({ name }) => results[name]);
    return nodes.map((node, i) => {
      const sums = sumsOfSamples(inOrder[i].data as Float64Array);
      if (!Number.isFinite(sums.noise)) throw new Error(`${placeOf(node)}: a value is not a finite number`);
      const values = [inOrder[nodes.length + i], inOrder[2 * nodes.length + i]] as const;
      return { sums, values: this.#keepsValues ? values : undefined };
    });
  }

  [Symbol.dispose](): void {
    this.#model.dispose();
  }
}

/** As errors name a node. */
export const placeOf = ({ refNodeName, actualNodeName }: ComparedGraph['nodes'][number]): string =>
  `node '${refNodeName}' of the reference, '${actualNodeName}' of the actual model`;
