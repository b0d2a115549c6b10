import {
  castTo,
  type DifferentiatedCall,
  type Gradient,
  type GradientBuilder,
  type GradientRule,
  gradientRules,
  stops,
  withoutGradient,
} from '../aten/gradients/index.ts';
import { operators } from '../aten/index.ts';
import {
  type Argument,
  Arguments,
  functionalName,
  GET_ITEM,
  type GraphModule,
  isArgumentList,
  isTensorMeta,
  modelLine,
  type Node,
  type TensorMeta,
  tensorMeta,
} from '../graph/index.ts';
import { GraphEditor } from '../transforms/editor.ts';

/** Gradients of a node's results: one, or one a result. */
type Gradients = (Node | undefined)[];

const isFloat = (node: Node): boolean => {
  const { val } = node.meta;
  return Array.isArray(val) ? val.some(isTensorMeta) : tensorMeta(node)?.dtype.includes('float') === true;
};

/**
 * Adds the gradients of a scalar to the graph that computes it, before its output node (counterpart: `torch.autograd.grad`).
 * The rules of `lib/aten/gradients` say what they are made of; the graph stays one like any other.
 * @param loss a node of one element.
 * @param wrt parameters, buffers and inputs: `get_attr` nodes and placeholders.
 * @returns one node each of `wrt`, of the same shape: undefined where the loss does not depend on it.
 * @throws Error that lists all operators without a gradient on the way, or names the call whose gradient cannot be built: it
 * has sizes that only a request knows, or arguments for which there is no rule.
 */
export function differentiate(module: GraphModule, loss: Node, wrt: readonly Node[]): (Node | undefined)[] {
  const shape = tensorMeta(loss)?.shape;
  if (!shape || shape.some((extent) => extent !== 1))
    throw new Error(
      `differentiate: the loss '${loss}' must be one float, got ${shape ? `[${shape.join(', ')}]` : 'no tensor'}`,
    );
  const before = module.graph.nodes;
  const wanted = dependents(before, new Set(wrt));
  if (!wanted.has(loss)) return wrt.map(() => undefined);
  const backward = new Backward(module);
  backward.receive(loss, 0, backward.builderFor(loss).call('aten.ones_like.default', loss));
  const last = before.indexOf(loss);
  refuseUnknown(
    before.slice(0, last + 1).filter((node) => wanted.has(node)),
    loss,
  );
  for (const node of before.slice(0, last + 1).reverse())
    if (wanted.has(node) && node.op === 'call_function') backward.through(node, wanted);
  const gradients = wrt.map((node) => backward.gradientOf(node));
  eraseUnused(module, new Set(before), new Set(gradients));
  return gradients;
}

/** Erases what was built and nobody reads: rules may build more than is wanted. */
function eraseUnused({ graph }: GraphModule, before: ReadonlySet<Node>, kept: ReadonlySet<unknown>): void {
  for (const node of [...graph.nodes].reverse())
    if (!before.has(node) && !kept.has(node) && node.users.length === 0) graph.eraseNode(node);
}

/** The nodes that depend on one of `roots`, and these. */
function dependents(nodes: readonly Node[], roots: ReadonlySet<Node>): ReadonlySet<Node> {
  const found = new Set<Node>(roots);
  for (const node of nodes)
    if (node.op === 'call_function' && !stops.has(functionalName(node.target)) && isFloat(node))
      if (node.allInputNodes.some((input) => found.has(input))) found.add(node);
  return found;
}

/** In a graph, what writes in place gives a new value, as its functional form does. */
function ruleOf(target: string): GradientRule | undefined {
  const name = functionalName(target);
  return Object.hasOwn(gradientRules, name) ? gradientRules[name] : undefined;
}

/** @throws Error that names every operator between the parameters and the loss that has no gradient. */
function refuseUnknown(nodes: readonly Node[], loss: Node): void {
  const leading = new Set<Node>([loss]);
  const unknown = new Map<string, Node>();
  for (const node of [...nodes].reverse()) {
    if (!leading.has(node) || node.op !== 'call_function') continue;
    for (const input of node.allInputNodes) leading.add(input);
    if (node.target !== GET_ITEM && !ruleOf(node.target)) unknown.set(node.target, node);
  }
  if (unknown.size === 0) return;
  const list = [...unknown].map(([target, node]) => {
    const reason = withoutGradient[functionalName(target)];
    return `${target} ('${node}'${modelLine(node)}${reason ? `: ${reason}` : ''})`;
  });
  throw new Error(`differentiate: there is no gradient of ${list.join(', ')}`);
}

class Backward {
  readonly gradients = new Map<Node, Gradients>();
  readonly #editor: GraphEditor;

  constructor(module: GraphModule) {
    this.#editor = new GraphEditor(module);
  }

  /** Builds nodes that do the work of `node`, for messages and profiles. */
  builderFor(node: Node): GradientBuilder {
    const place = { before: this.#editor.graph.outputNode, like: [node] };
    return {
      ...this.#editor.at(place),
      shape: (of) => staticShape(of),
      dtype: (of) => tensorMeta(of)!.dtype,
    };
  }

  /**
   * Adds to the gradient of a node's result, in its dtype: type promotion may have changed it. Of bfloat16 it may be more precise.
   * @throws Error when it has another shape.
   */
  receive(node: Node, index: number, gradient: Node): void {
    const g = this.builderFor(node);
    const [{ dtype, shape }, given] = [resultOf(node, index), tensorMeta(gradient)!];
    if (String(given.shape) !== String(shape))
      throw new Error(
        `a gradient of [${given.shape.join(', ')}] does not fit '${node}', [${shape.join(', ')}]`,
      );
    const isPrecise = dtype === 'bfloat16' && given.dtype === 'float32';
    const own = isPrecise ? gradient : castTo(g, gradient, dtype);
    const known = this.gradients.get(node) ?? [];
    const old = known[index];
    known[index] = old ? g.call('aten.add.Tensor', old, own) : own;
    this.gradients.set(node, known);
  }

  /** The gradient of a node of one result, in its dtype. */
  gradientOf(node: Node): Node | undefined {
    const gradient = this.gradients.get(node)?.[0];
    return gradient && castTo(this.builderFor(node), gradient, resultOf(node, 0).dtype);
  }

  /** Passes a node's gradients on to what it reads. */
  through(node: Node, wanted: ReadonlySet<Node>): void {
    const grads = this.gradients.get(node);
    if (!grads) return;
    if (node.target === GET_ITEM) {
      this.receive(node.args[0] as Node, node.args[1] as number, grads[0]!);
      return;
    }
    try {
      const { schema } = operators.get(node.target);
      const args = Arguments.bind<Node>(schema, node.args, node.kwargs);
      const g = this.builderFor(node);
      const all = padded(node, grads);
      const call: DifferentiatedCall = { args, result: node, grad: all.find(isNode)!, grads: all };
      for (const [name, gradient] of Object.entries(ruleOf(node.target)!(call, g)))
        this.#give(args.raw(name) as Argument, gradient, wanted);
    } catch (error) {
      throw new Error(
        `differentiate: the gradient of '${node}' (${node.target}): ${(error as Error).message}${modelLine(node)}`,
        { cause: error },
      );
    }
  }

  #give(argument: Argument, gradient: () => Gradient, wanted: ReadonlySet<Node>): void {
    const inputs = (isArgumentList(argument) ? argument : [argument]) as readonly (Node | null)[];
    if (!inputs.some((input) => input && wanted.has(input))) return;
    const given = gradient();
    const all = Array.isArray(given) ? (given as readonly (Node | undefined)[]) : [given as Node];
    inputs.forEach((input, i) => {
      const each = all[i];
      if (input && each && wanted.has(input)) this.receive(input, 0, each);
    });
  }
}

/** Dtype and shape of one of a node's results. */
function resultOf({ meta: { val } }: Node, index: number): TensorMeta {
  return (Array.isArray(val) ? val[index] : val) as TensorMeta;
}

/** A list with a place for each of the node's results. */
function padded(node: Node, grads: Gradients): Gradients {
  const { val } = node.meta;
  return Array.isArray(val) ? val.map((_, i) => grads[i]) : grads;
}

const isNode = (node: Node | undefined): node is Node => node !== undefined;

/** @throws Error when a size is symbolic. */
function staticShape(node: Node): readonly number[] {
  const { shape } = tensorMeta(node)!;
  if (!shape.every((extent) => typeof extent === 'number'))
    throw new Error(
      `'${node}' is [${shape.join(', ')}]: gradients need known sizes; export the model for the batch that it is trained with`,
    );
  return shape as readonly number[];
}
