import { Tensor } from '../tensor/index.ts';
import { bindCall } from './bind-to-schema.ts';
import { GET_ITEM, pickItem } from './get-item.ts';
import type { GraphModule } from './graph-module.ts';
import { modelLine } from './model-line.ts';
import { describeValue, isArgumentList, Node, tensorMeta } from './node.ts';
import type { OperatorLibrary, RuntimeValue } from './operator.ts';
import { checkRanges } from './symbol-range.ts';

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
   * @throws Error that names the input whose size is outside the range it was exported for, or the node and the operator
   * where a step failed.
   */
  run(inputs: readonly Tensor[], observe?: (node: Node, value: RuntimeValue) => void): Tensor[] {
    const { graph } = this.module;
    const expected = graph.placeholders;
    if (inputs.length !== expected.length)
      throw new Error(
        `the graph takes ${expected.length} inputs (${expected.join(', ')}), got ${inputs.length}`,
      );
    for (const [i, input] of expected.entries()) this.#checkSizes(input, inputs[i]);
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

  #checkSizes(input: Node, { dtype, shape }: Tensor): void {
    const meta = tensorMeta(input);
    if (meta?.shape.length !== shape.length) return;
    const got = `${dtype}[${shape.join(', ')}]`;
    checkRanges({ ...meta, name: input.name }, shape, this.module.rangeConstraints, got);
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
