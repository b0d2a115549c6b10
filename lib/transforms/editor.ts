import { operators, QUANTIZE_PER_TENSOR } from '../aten/index.ts';
import {
  type Argument,
  Arguments,
  type CallableModule,
  GET_ITEM,
  type Graph,
  type GraphModule,
  inferCall,
  inferNode,
  isCall,
  type MetaValue,
  type Node,
  type NodeBuilder,
  type NumericDebugHandle,
  type TensorMeta,
} from '../graph/index.ts';
import type { Tensor } from '../tensor/index.ts';

/** A call's arguments by the names of its operator's schema: all of them, also those that have a default. */
export type NamedArguments = Readonly<Record<string, Argument>>;

/** Where a new node stands, and whose work it does. */
export type Place = ({ readonly before: Node } | { readonly after: Node }) & {
  /** The node takes its place in the model (module, source, line) from the first of these that knows it. */
  readonly like?: readonly Node[];
};

/**
 * Edits a graph so that every new node is complete: its dtype and shape are inferred from the operator's schema, its name
 * is free, and it says which line of the model it computes.
 */
export class GraphEditor {
  readonly module: GraphModule;

  constructor(module: GraphModule) {
    this.module = module;
  }

  get graph(): Graph {
    return this.module.graph;
  }

  /**
   * A call's arguments by the names of its schema; nodes stand for tensors.
   * @throws Error when the operator is not supported or an argument is missing.
   */
  args(node: Node): Arguments<Node> {
    return Arguments.bind<Node>(operators.get(node.target).schema, node.args, node.kwargs);
  }

  /** A call's arguments by name, as they stand in the graph, defaults filled in. */
  named(node: Node): NamedArguments {
    const bound = this.args(node);
    return Object.fromEntries(bound.schema.arguments.map(({ name }) => [name, bound.raw(name) as Argument]));
  }

  /**
   * Adds the call of an operator.
   * @throws Error when the operator is not supported, refuses its arguments, or nothing is known of one of them.
   */
  call(target: string, args: readonly Argument[] | NamedArguments, place: Place): Node {
    const given = isNamed(args) ? fromNames(target, args) : { args, kwargs: {} };
    const val = inferCall(operators, target, given.args, given.kwargs, metaOf, this.module.rangeConstraints);
    return this.#place(place, val, () => this.graph.callFunction(target, given.args, given.kwargs));
  }

  /** Adds the pick of one of a call's several results. */
  item(results: Node, index: number, place: Place): Node {
    const create = () => this.graph.callFunction(GET_ITEM, [results, index]);
    return this.#place(place, (metaOf(results) as readonly TensorMeta[])[index], create);
  }

  /** Adds calls at one place. */
  at(place: Place): NodeBuilder {
    return {
      call: (target, ...args) => this.call(target, args, place),
      item: (results, index) => this.item(results, index, place),
    };
  }

  /** Adds a call of `module`, which passes its input through: an observer. `name` is made unique. */
  callModule(name: string, module: CallableModule, input: Node, place: Place): Node {
    const path = this.module.unusedAttribute(name);
    this.module.modules.set(path, module);
    return this.#place(place, input.meta.val, () => this.graph.callModule(path, [input]));
  }

  /** Adds a constant with the value `value`. `name` is made unique, as {@link GraphModule.unusedAttribute} does it. */
  constant(name: string, value: Tensor, place: Place): Node {
    const path = this.module.unusedAttribute(name);
    this.module.attributes.set(path, value);
    return this.#place(place, describe(value), () => this.graph.getAttr(path));
  }

  /** Changes a call's arguments, given by name, and infers its dtype and shape again. */
  setArguments(node: Node, named: NamedArguments): void {
    const { args, kwargs } = fromNames(node.target, named);
    node.setArguments(args, kwargs);
    this.inferAgain(node);
  }

  /** Infers one call's dtype and shape again, after its arguments or their dtypes changed. */
  inferAgain(node: Node): void {
    const val = inferNode(operators, node, metaOf, this.module.rangeConstraints);
    node.meta = { ...node.meta, val };
  }

  /**
   * Puts a call in the place of `node`: same users, and `node` is erased.
   * @param covers nodes before it whose work the new one does as well, that of a fused layer first: the new node has its line.
   * Those that lose their last user are erased too.
   */
  replace(
    node: Node,
    target: string,
    args: readonly Argument[] | NamedArguments,
    covers: readonly Node[] = [],
  ): Node {
    const twin = this.call(target, args, { before: node, like: [...covers, node] });
    this.replaceWith(node, twin, covers);
    return twin;
  }

  /**
   * Makes every user of `node` use `twin`, and erases `node` and those of `covers` that are now unused. The value of `node` is that of
   * `twin` from here on.
   */
  replaceWith(node: Node, twin: Node, covers: readonly Node[] = []): void {
    const handle = handleOf(node);
    if (handle) twin.meta.numericDebugHandle = handle;
    node.replaceAllUsesWith(twin);
    this.erase(node);
    for (const covered of [...covers].reverse()) if (covered.users.length === 0) this.erase(covered);
  }

  /**
   * Erases a node that nobody uses.
   * @throws Error when it still has users.
   */
  erase(node: Node): void {
    this.graph.eraseNode(node);
  }

  /** States that `node` does the work of `others`: what it does not know of its place in the model it has from them. */
  inherit(node: Node, others: readonly Node[]): void {
    const { meta } = node;
    for (const { meta: other } of others) {
      if (other.nnModuleStack) meta.nnModuleStack ??= other.nnModuleStack;
      if (other.sourceFnStack) meta.sourceFnStack ??= other.sourceFnStack;
      if (other.stackTrace !== undefined) meta.stackTrace ??= other.stackTrace;
    }
  }

  #place(place: Place, val: MetaValue | undefined, create: () => Node): Node {
    const node =
      'before' in place
        ? this.graph.insertingBefore(place.before, create)
        : this.graph.insertingAfter(place.after, create);
    if (val !== undefined) node.meta.val = val;
    this.inherit(node, place.like ?? []);
    return node;
  }
}

/** What a node's value stands for: that of a quantize call is its input, in integers. */
function handleOf(node: Node): NumericDebugHandle | undefined {
  const { numericDebugHandle } = node.meta;
  if (numericDebugHandle || !isCall(node, QUANTIZE_PER_TENSOR)) return numericDebugHandle;
  const [input, scale, zeroPoint] = node.args as readonly [Node, number, number];
  const quantized = input.meta.numericDebugHandle;
  return quantized && { handle: quantized.handle, qparams: { scale, zeroPoint } };
}

const isNamed = (args: readonly Argument[] | NamedArguments): args is NamedArguments => !Array.isArray(args);

/** @throws Error when one is missing. */
function fromNames(target: string, named: NamedArguments) {
  const args: Argument[] = [];
  const kwargs: Record<string, Argument> = {};
  for (const { name, keywordOnly } of operators.get(target).schema.arguments) {
    if (named[name] === undefined) throw new Error(`${target}: no value for argument '${name}'`);
    if (keywordOnly) kwargs[name] = named[name];
    else args.push(named[name]);
  }
  return { args, kwargs };
}

function metaOf(node: Node): MetaValue {
  if (node.meta.val === undefined)
    throw new Error(`dtype and shape of '${node}' are unknown (meta.val is not set)`);
  return node.meta.val;
}

const describe = ({ dtype, shape }: Tensor): TensorMeta => ({ dtype, shape });
