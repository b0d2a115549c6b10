import {
  bindCall,
  constantNodes,
  GET_ITEM,
  type GraphModule,
  type Node,
  type OperatorLibrary,
  pickItem,
  type RuntimeValue,
} from '../../graph/index.ts';
import { Tensor } from '../../tensor/index.ts';

/** Computes what depends on parameters and constants alone, each node once. */
export class ConstantEvaluator {
  readonly #module: GraphModule;
  readonly #library: OperatorLibrary;
  readonly #constants: ReadonlySet<Node>;
  readonly #left: readonly string[];
  readonly #values = new Map<Node, RuntimeValue | undefined>();

  /** @param left operators that are not computed, nor what depends on them. */
  constructor(module: GraphModule, library: OperatorLibrary, left: readonly string[] = []) {
    this.#module = module;
    this.#library = library;
    this.#constants = constantNodes(module.graph);
    this.#left = left;
  }

  /** The tensor that a node of the graph as it was given stands for, or undefined when it depends on an input. */
  evaluate(node: Node): Tensor | undefined {
    const value = this.#constants.has(node) ? this.#valueOf(node) : undefined;
    return value instanceof Tensor ? value : undefined;
  }

  #valueOf(node: Node): RuntimeValue | undefined {
    if (!this.#values.has(node)) this.#values.set(node, this.#compute(node));
    return this.#values.get(node);
  }

  #compute(node: Node): RuntimeValue | undefined {
    if (node.op === 'get_attr') return this.#module.attribute(node.target);
    const inputs = new Map(node.allInputNodes.map((input) => [input, this.#valueOf(input)]));
    if ([...inputs.values()].includes(undefined)) return undefined;
    // Observers let a tensor through.
    if (node.op === 'call_module') return inputs.get(node.args[0] as Node);
    if (node.target === GET_ITEM) return pickItem<Tensor>(node, inputs.get(node.args[0] as Node));
    if (this.#left.includes(node.target) || !this.#library.has(node.target)) return undefined;
    const operator = this.#library.get(node.target);
    return operator.execute(
      bindCall<Tensor>(operator.schema, node.args, node.kwargs, (input) => inputs.get(input)),
    );
  }
}
