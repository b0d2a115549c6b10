import { bindCall, type GraphModule, isCall, type Node, type OperatorLibrary } from '../../graph/index.ts';
import { Tensor } from '../../tensor/index.ts';
import { dequantizeOperators, quantizeOperators } from './qdq-operators.ts';

/**
 * Quantizes constants now: `weight -> quantize` becomes a parameter `_frozen_paramN` of integers (counterpart:
 * `constant_fold` with `convert_pt2e`'s constraint). Operators between the weight and its quantize node are computed too;
 * dequantize nodes stay, for lowering to fuse.
 */
export function foldQuantizedConstants(module: GraphModule, library: OperatorLibrary): void {
  const { graph } = module;
  const evaluator = new ConstantEvaluator(module, library);
  let count = 0;
  for (const node of graph.nodes) {
    if (!isCall(node, ...quantizeOperators)) continue;
    const value = evaluator.evaluate(node);
    if (value === undefined) continue;
    while (module.attributes.has(`_frozen_param${count}`)) count++;
    const target = `_frozen_param${count}`;
    module.attributes.set(target, value);
    const frozen = graph.insertingBefore(node, () => graph.getAttr(target));
    frozen.meta = { ...node.meta };
    node.replaceAllUsesWith(frozen);
    graph.eraseNode(node);
  }
  graph.eliminateDeadCode();
}

class ConstantEvaluator {
  readonly #module: GraphModule;
  readonly #library: OperatorLibrary;

  constructor(module: GraphModule, library: OperatorLibrary) {
    this.#module = module;
    this.#library = library;
  }

  /** The node's value, or undefined when it depends on an input. */
  evaluate(node: Node): Tensor | undefined {
    if (node.op === 'get_attr') return this.#module.attribute(node.target);
    if (node.op !== 'call_function' || dequantizeOperators.includes(node.target)) return undefined;
    if (node.allInputNodes.length === 0) return undefined;
    const values = new Map<Node, Tensor>();
    for (const input of node.allInputNodes) {
      const value = this.evaluate(input);
      if (value === undefined) return undefined;
      values.set(input, value);
    }
    const result = this.#execute(node, values);
    return result instanceof Tensor ? result : undefined;
  }

  #execute(node: Node, values: ReadonlyMap<Node, Tensor>) {
    if (!this.#library.has(node.target)) return undefined;
    const operator = this.#library.get(node.target);
    return operator.execute(
      bindCall<Tensor>(operator.schema, node.args, node.kwargs, (input) => values.get(input)),
    );
  }
}
