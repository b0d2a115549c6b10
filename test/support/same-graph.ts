import { operators } from '../../lib/aten/index.ts';
import {
  type Argument,
  Arguments,
  GET_ITEM,
  type GraphModule,
  isArgumentList,
  isTensorMeta,
  Node,
  outputsOf,
  tensorMeta,
} from '../../lib/graph/index.ts';
import type { Tensor } from '../../lib/tensor/index.ts';

/** Views of any shape, which differ by their arguments alone. */
const views: readonly string[] = ['aten.view.default', 'aten.reshape.default', 'aten.unflatten.int'];

/**
 * What is different in two graphs: other operators, arguments, constants, or names, dtypes and shapes of inputs and outputs.
 * Names of nodes and constants do not matter, nor how a size is computed from the inputs' sizes.
 * @returns undefined where they are the same.
 */
export function graphDifference(a: GraphModule, b: GraphModule): string | undefined {
  const comparison = new Comparison(a, b);
  const signatures = [a, b].map(signature);
  if (signatures[0] !== signatures[1]) return `${signatures[0]} is ${signatures[1]}`;
  const [x, y] = [a, b].map(({ graph }) => graph.outputNode.args[0]);
  return comparison.argument(x, y);
}

const describe = ({ dtype, shape }: { dtype: string; shape: readonly unknown[] }) =>
  `${dtype}[${shape.join(', ')}]`;

function signature(module: GraphModule): string {
  const { graph } = module;
  const inputs = graph.placeholders.map((node) => `${node.target}: ${describe(tensorMeta(node)!)}`);
  const metas = new Map(graph.nodes.map((node) => [node, node.meta.val]));
  const outputs = outputsOf(module, metas).map((info) => `${info.name}: ${describe(info)}`);
  return `(${inputs.join(', ')}) -> (${outputs.join(', ')})`;
}

class Comparison {
  readonly #a: GraphModule;
  readonly #b: GraphModule;
  readonly #same = new Map<Node, Node>();

  constructor(a: GraphModule, b: GraphModule) {
    this.#a = a;
    this.#b = b;
  }

  argument(a: Argument | undefined, b: Argument | undefined): string | undefined {
    if (isSize(a) || isSize(b)) {
      const [x, y] = [a, b].map((each) => (each instanceof Node ? String(each.meta.val) : String(each)));
      return x === y ? undefined : `the size ${x} is ${y}`;
    }
    if (a instanceof Node && b instanceof Node) return this.#node(a, b);
    if (isArgumentList(a as Argument) && isArgumentList(b as Argument)) {
      const [x, y] = [a, b] as (readonly Argument[])[];
      if (x.length !== y.length) return `[${x.join(', ')}] is [${y.join(', ')}]`;
      return first(x.map((each, i) => () => this.argument(each, y[i])));
    }
    return Object.is(a, b) || a === b ? undefined : `the argument ${String(a)} is ${String(b)}`;
  }

  #node(a: Node, b: Node): string | undefined {
    if (this.#same.get(a) === b) return undefined;
    const found = this.#differenceOf(a, b);
    if (!found) this.#same.set(a, b);
    return found && (found.includes(' at ') ? found : `${found} at ${a} (${a.target})`);
  }

  #differenceOf(a: Node, b: Node): string | undefined {
    if (a.op === 'get_attr' && b.op === 'get_attr')
      return constantDifference(this.#a.attribute(a.target), this.#b.attribute(b.target));
    if (a.op !== b.op || operatorOf(a) !== operatorOf(b)) return `${a.op} ${a.target} is ${b.op} ${b.target}`;
    if (a.op === 'placeholder') return undefined;
    const [x, y] = [a, b].map((node) => boundArguments(node));
    return first(x.map((each, i) => () => this.argument(each, y[i])));
  }
}

/** Flattening all but the first axis is an operator of its own, which quantizers know; other flattening is a view. */
function operatorOf(node: Node): string {
  const { target } = node;
  const isPart = target === 'aten.flatten.using_ints' && tensorMeta(node)!.shape.length !== 2;
  return isPart || views.includes(target) ? views[0] : target;
}

const isSize = (value: Argument | undefined): boolean =>
  value instanceof Node &&
  value.meta.val !== undefined &&
  !Array.isArray(value.meta.val) &&
  !isTensorMeta(value.meta.val);

function boundArguments(node: Node): readonly Argument[] {
  if (node.target === GET_ITEM) return node.args;
  const { schema } = operators.get(node.target);
  const bound = Arguments.bind(schema, node.args, node.kwargs);
  const values = schema.arguments.map(({ name }) => bound.raw(name) as Argument);
  const isShaped = views.includes(operatorOf(node)) || node.target === 'aten.expand.default';
  return isShaped ? [values[0], describe(tensorMeta(node)!)] : values;
}

function constantDifference(a: Tensor, b: Tensor): string | undefined {
  if (describe(a) !== describe(b)) return `the constant ${describe(a)} is ${describe(b)}`;
  const at = a.data.findIndex((value: number | bigint, i: number) => !Object.is(value, b.data[i]));
  return at < 0 ? undefined : `element ${at} of a constant, ${a.data[at]}, is ${b.data[at]}`;
}

/** The first answer that there is. */
function first(questions: readonly (() => string | undefined)[]): string | undefined {
  for (const question of questions) {
    const answer = question();
    if (answer) return answer;
  }
  return undefined;
}
