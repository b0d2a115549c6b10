import { Tensor } from '../tensor/index.ts';
import { bindCall } from './bind-to-schema.ts';
import { GET_ITEM, pickItem } from './get-item.ts';
import type { GraphModule } from './graph-module.ts';
import { modelLine } from './model-line.ts';
import { describeValue, isArgumentList, Node } from './node.ts';
import type { OperatorLibrary, RuntimeValue } from './operator.ts';
import { checkInputs, declaredInputs } from './signature.ts';

/**
 * Runs a graph node by node (counterpart: `torch.fx.Interpreter`). For debugging, calibration and comparison: a
 * compiled plan is what serves requests. Values are dropped after their last use.
 */
export class Interpreter {
  readonly module: GraphModule;
  readonly #library: OperatorLibrary;

  constructor(module: GraphModule, library: OperatorLibrary) {
    this.module = module;
    this.#library = library;
  }

  /**
   * Computes the graph's outputs (`torch.fx.Interpreter.run`).
   * @param inputs one tensor a placeholder, in order.
   * @param observe called with every node and its value, as soon as it is known.
   * @returns the outputs, in order.
   * @throws Error that says how many inputs there are, names the input whose size is outside the range it was exported for,
   * or the node and the operator where a step failed.
   */
  run(inputs: readonly Tensor[], observe?: (node: Node, value: RuntimeValue) => void): Tensor[] {
    const { graph } = this.module;
    checkInputs(declaredInputs(graph), inputs, this.module.rangeConstraints);
    const values = new Map<Node, RuntimeValue>();
    const pending = new Map(graph.nodes.map((node) => [node, node.users.length]));
    let nextInput = 0;
    for (const node of graph.nodes) {
      if (node.op === 'output') return this.#outputs(node, values);
      const value = node.op === 'placeholder' ? inputs[nextInput++] : this.#compute(node, values);
      values.set(node, value);
      observe?.(node, value);
      for (const input of node.allInputNodes) {
        const left = pending.get(input)! - 1;
        pending.set(input, left);
        if (left === 0) values.delete(input);
      }
    }
    throw new Error('Graph: there is no output node');
  }

  #compute(node: Node, values: ReadonlyMap<Node, RuntimeValue>): RuntimeValue {
    const resultOf = (input: Node) => values.get(input);
    if (node.target === GET_ITEM) return pickItem<Tensor>(node, resultOf(node.args[0] as Node));
    try {
      if (node.op === 'get_attr') return this.module.attribute(node.target);
      if (node.op === 'call_module')
        return this.module.module(node.target).forward(resultOf(node.args[0] as Node) as Tensor);
      const operator = this.#library.get(node.target);
      return operator.execute(bindCall<Tensor>(operator.schema, node.args, node.kwargs, resultOf));
    } catch (error) {
      const what = node.op === 'call_module' ? `on ${describeValue(node.args[0] as Node)}` : node.target;
      throw new Error(`node '${node.name}' (${what}): ${(error as Error).message}${modelLine(node)}`, {
        cause: error,
      });
    }
  }

  #outputs(node: Node, values: ReadonlyMap<Node, RuntimeValue>): Tensor[] {
    const [returned] = node.args;
    return (isArgumentList(returned) ? returned : [returned]).map((arg) => {
      const value = arg instanceof Node ? values.get(arg) : undefined;
      if (!(value instanceof Tensor)) throw new Error(`output ${String(arg)} is not a tensor`);
      return value;
    });
  }
}
