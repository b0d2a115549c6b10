import { isQuantizedDecomposed, operators } from '../../../aten/index.ts';
import {
  type Argument,
  Arguments,
  type Dim,
  GET_ITEM,
  GraphModule,
  inferCall,
  inferNode,
  isTensorMeta,
  type MetaValue,
  Node,
  type NodeMeta,
  SymInt,
  type TensorMeta,
  tensorMeta,
} from '../../../graph/index.ts';
import { numelOf, Tensor } from '../../../tensor/index.ts';
import { decompositions } from '../../decompositions/all.ts';
import { decomposeCall } from '../../decompositions/decompose.ts';
import { asGiven } from './numbers.ts';
import { SizeNodes } from './size-nodes.ts';
import { ComputedValue, ConstantValue, type OnnxValue, SizesValue } from './values.ts';

/** An argument of an operator's call, values of the file in place of nodes. */
export type CallArgument = OnnxValue | Dim | string | boolean | null | readonly CallArgument[];

/** What helps where an operator needs a size that requests would choose. */
export const fixingSizes =
  "sizes that the file leaves open can be fixed, or said to be the same, with the option 'shapes'";

/** Scales keep all their digits: they decide how numbers are rounded. */
const withGivenDigits = (arg: CallArgument): CallArgument => (typeof arg === 'number' ? asGiven(arg) : arg);

const isOpen = (node: Node): boolean => tensorMeta(node)?.shape.some((dim) => dim instanceof SymInt) ?? false;

/** More elements than that are computed when a file is read only where the constants they come from have about as many. */
const mostElements = 2 ** 22;

/**
 * Whether a constant of this shape may be computed from constants of so many elements. Nothing else bounds the memory that
 * a file of a few bytes asks for.
 */
export function isModest(shape: readonly number[], source: number): boolean {
  return numelOf(shape) <= Math.max(mostElements, 2 * source);
}

/**
 * Writes the graph that a file becomes. Calls whose arguments are all known are computed at once: their results are
 * constants.
 */
export class GraphWriter {
  readonly module = new GraphModule();
  readonly sizes = new SizeNodes((target, args) => this.#add(target, args, {}));
  readonly #constants = new Map<ConstantValue, Node>();
  /** Sizes so far that values decide. */
  #counts = 0;
  /** What is known of the node of the file whose calls are being written: its name, the modules around it. */
  origin: { readonly name: string; readonly meta: NodeMeta } = { name: '', meta: {} };

  /** Adds an input; its symbolic sizes can be computed with from now on. */
  input(name: string, meta: TensorMeta): ComputedValue {
    const node = this.module.graph.placeholder(name);
    node.meta.val = meta;
    this.learnSizes(node);
    return new ComputedValue(node);
  }

  /** Tells of the sizes in a node's shape, so that others can be computed from them. */
  learnSizes(node: Node): void {
    const { val } = node.meta;
    if (isTensorMeta(val))
      for (const [axis, dim] of val.shape.entries())
        this.sizes.learn(dim, () => this.sizes.extent(node, axis));
  }

  /**
   * The result of an operator of one result.
   * @throws Error when Octavo does not have the operator, or the operator refuses its arguments.
   */
  call(
    target: string,
    args: readonly CallArgument[],
    kwargs: Readonly<Record<string, CallArgument>> = {},
  ): OnnxValue {
    const result = this.#call(
      target,
      isQuantizedDecomposed(target) ? args : args.map(withGivenDigits),
      kwargs,
    );
    if (Array.isArray(result)) throw new Error(`${target} has several results`);
    return result as OnnxValue;
  }

  /** The results of an operator of several. */
  calls(target: string, args: readonly CallArgument[]): readonly OnnxValue[] {
    const result = this.#call(target, args, {});
    return Array.isArray(result) ? result : [result as OnnxValue];
  }

  /** A call that stays in the graph although it could be computed now. */
  keep(target: string, args: readonly CallArgument[]): OnnxValue {
    return new ComputedValue(this.#add(target, ...this.#arguments(args, {})));
  }

  /** The node that stands for a value in the graph. */
  node(value: OnnxValue): Node {
    if (value instanceof ComputedValue) return value.node;
    if (value instanceof SizesValue) return this.node(this.#tensorOfSizes(value));
    const known = this.#constants.get(value);
    if (known) return known;
    const path = this.module.unusedAttribute(value.name || 'constant');
    this.module.attributes.set(path, value.tensor);
    const node = this.module.graph.getAttr(path);
    node.meta.val = { dtype: value.dtype, shape: value.shape };
    this.#constants.set(value, node);
    return node;
  }

  #call(
    target: string,
    args: readonly CallArgument[],
    kwargs: Readonly<Record<string, CallArgument>>,
  ): OnnxValue | readonly OnnxValue[] {
    if (!operators.has(target)) {
      if (decompositions.has(target)) return this.#decompose(target, args, kwargs);
      throw new Error(`it needs the operator ${target}, which Octavo does not have`);
    }
    const known = this.#evaluate(target, args, kwargs);
    if (known) return known;
    const node = this.#add(target, ...this.#arguments(args, kwargs));
    const { val } = node.meta;
    if (!Array.isArray(val)) return new ComputedValue(node);
    return (val as readonly TensorMeta[]).map(
      (_, i) => new ComputedValue(this.#add(GET_ITEM, [node, i], {})),
    );
  }

  /** The result of an operator that is read as calls of others. */
  #decompose(
    target: string,
    args: readonly CallArgument[],
    kwargs: Readonly<Record<string, CallArgument>>,
  ): OnnxValue {
    const given = this.#arguments(args, kwargs);
    const node = this.module.graph.callFunction(target, ...given, this.origin.name || target.split('.')[1]);
    node.meta = { ...this.origin.meta };
    decomposeCall(this.module, node);
    return new ComputedValue(node);
  }

  /** The result where nothing but constants is computed with. */
  #evaluate(
    target: string,
    args: readonly CallArgument[],
    kwargs: Readonly<Record<string, CallArgument>>,
  ): OnnxValue | readonly OnnxValue[] | undefined {
    const constants = new Set<ConstantValue>();
    const isKnown = (arg: CallArgument): boolean => {
      if (Array.isArray(arg)) return arg.every(isKnown);
      if (arg instanceof ConstantValue) constants.add(arg);
      return !(arg instanceof ComputedValue || arg instanceof SizesValue || arg instanceof SymInt);
    };
    if (![...args, ...Object.values(kwargs)].every(isKnown)) return undefined;
    const tensorOf = (arg: CallArgument): unknown => {
      if (arg instanceof ConstantValue) return arg.tensor;
      return Array.isArray(arg) ? arg.map(tensorOf) : arg;
    };
    const operator = operators.get(target);
    const bound = Arguments.bind<Tensor>(
      operator.schema,
      args.map(tensorOf),
      Object.fromEntries(Object.entries(kwargs).map(([key, arg]) => [key, tensorOf(arg)])),
    );
    const meta = operator.infer(bound as Arguments<unknown> as Arguments<TensorMeta>);
    const source = [...constants].reduce((sum, { tensor }) => sum + tensor.numel, 0);
    if (!shapesOf(meta).every((shape) => isModest(shape, source))) return undefined;
    const [first] = constants;
    const name = this.origin.name || first?.name || 'constant';
    const result = operator.execute(bound);
    const constantOf = (tensor: Tensor) => new ConstantValue(tensor, name);
    return result instanceof Tensor ? constantOf(result) : (result as readonly Tensor[]).map(constantOf);
  }

  #arguments(args: readonly CallArgument[], kwargs: Readonly<Record<string, CallArgument>>) {
    const named = Object.entries(kwargs).map(([key, arg]) => [key, this.#argument(arg)]);
    return [
      args.map((arg) => this.#argument(arg)),
      Object.fromEntries(named) as Record<string, Argument>,
    ] as const;
  }

  #argument(arg: CallArgument): Argument {
    if (Array.isArray(arg)) return arg.map((item) => this.#argument(item));
    if (arg instanceof ComputedValue || arg instanceof ConstantValue || arg instanceof SizesValue)
      return this.node(arg);
    return arg instanceof SymInt ? this.sizes.argument(arg) : (arg as Argument);
  }

  #add(target: string, args: readonly Argument[], kwargs: Readonly<Record<string, Argument>>): Node {
    const { graph, rangeConstraints } = this.module;
    const same = operators.decidesExtent(target) ? sameCall(target, args) : undefined;
    if (same) return same;
    const name =
      target.startsWith('aten.sym_') || target.startsWith('operator.') ? undefined : this.origin.name;
    const node = graph.callFunction(target, args, kwargs, name || target.split('.')[1]);
    try {
      node.meta = { ...this.origin.meta };
      node.meta.val = inferNode(operators, node, (input) => input.meta.val as MetaValue, rangeConstraints);
    } catch (error) {
      const { message } = ((error as Error).cause ?? error) as Error;
      const what = message.startsWith(target) ? message : `${target}: ${message}`;
      throw new Error(node.allInputNodes.some(isOpen) ? `${what}; ${fixingSizes}` : what, { cause: error });
    }
    if (operators.decidesExtent(target)) this.#learnCount(node);
    return node;
  }

  /** Gives the extent that values decide a symbol of its own, `u0`, `u1` and so on, and tells of the most that it may be. */
  #learnCount(node: Node): void {
    const { rangeConstraints } = this.module;
    const { target, args, kwargs } = node;
    const metaOf = (input: Node) => input.meta.val as MetaValue;
    const meta = inferCall(operators, target, args, kwargs, metaOf, rangeConstraints) as TensorMeta;
    const [most, ...row] = meta.shape;
    while (rangeConstraints.has(`u${this.#counts}`)) this.#counts++;
    const symbol = `u${this.#counts}`;
    rangeConstraints.set(symbol, { min: 0, max: typeof most === 'number' ? most : Infinity });
    node.meta.val = { dtype: meta.dtype, shape: [new SymInt([symbol]), ...row] };
    this.learnSizes(node);
  }

  /** Sizes that a tensor is computed with: one element after the other. */
  #tensorOfSizes({ dtype, shape, elements }: SizesValue): OnnxValue {
    const parts = elements.map((dim) => this.call('aten.full.default', [[1], dim], { dtype }));
    const flat = parts.length === 1 ? parts[0] : this.call('aten.cat.default', [parts, 0]);
    return this.call('aten.view.default', [flat, shape]);
  }
}

/** The node that computes the same. What two nodes of the file find in one mask is of one size then. */
function sameCall(target: string, args: readonly Argument[]): Node | undefined {
  const [first] = args;
  const users = first instanceof Node ? first.users : [];
  return users.find((user) => user.target === target && user.args.every((arg, i) => arg === args[i]));
}

function shapesOf(meta: MetaValue): (readonly number[])[] {
  const metas = Array.isArray(meta) ? (meta as readonly TensorMeta[]) : [meta];
  return metas.flatMap((each) => (isTensorMeta(each) ? [each.shape as readonly number[]] : []));
}
