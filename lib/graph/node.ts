import type { DType } from '../tensor/index.ts';
import type { Dim } from './symbolic.ts';
import type { SymFloat } from './symbolic-float.ts';

/** What is known of a value without running the graph: PyTorch's FakeTensor, reduced to dtype and shape. */
export interface TensorMeta {
  readonly dtype: DType;
  readonly shape: readonly Dim[];
}

/** `meta.val`: a tensor, a symbolic integer (`aten.sym_size.int`), or the tuple of an operator with several results. */
export type MetaValue = TensorMeta | Dim | SymFloat | readonly TensorMeta[];

/** Whether a `meta.val` describes one tensor. */
export function isTensorMeta(meta: unknown): meta is TensorMeta {
  return typeof meta === 'object' && meta !== null && 'dtype' in meta;
}

/** Dtype and shape of a node that represents one tensor; undefined for other nodes and where nothing is known. */
export function tensorMeta({ meta: { val } }: Node): TensorMeta | undefined {
  return isTensorMeta(val) ? val : undefined;
}

/** One entry of `meta.nnModuleStack`: the module's path in the model, and its class. */
export interface ModuleFrame {
  readonly path: string;
  readonly type: string;
}

/** One entry of `meta.sourceFnStack`: the node it was traced as, and the module class or function that made it. */
export interface SourceFn {
  readonly name: string;
  readonly target: string;
}

/** Which node of the captured graph a node's value stands for. */
export interface NumericDebugHandle {
  /** The number that `generateNumericDebugHandle` gave. */
  readonly handle: number;
  /** Where the value is given as integers: what they mean is `(q - zeroPoint) * scale`. */
  readonly qparams?: { readonly scale: number; readonly zeroPoint: number };
}

/** Facts about a node. Other folders add theirs by declaration merging (quantization adds `quantizationAnnotation`). */
export interface NodeMeta {
  val?: MetaValue;
  /** Modules around the node, outermost first (PyTorch: `nn_module_stack`). */
  nnModuleStack?: readonly ModuleFrame[];
  /** Outermost first (PyTorch: `source_fn_stack`). */
  sourceFnStack?: readonly SourceFn[];
  stackTrace?: string;
  /** Stays with the value through all stages (PyTorch 2.6: `meta["custom"]["numeric_debug_handle"]`). */
  numericDebugHandle?: NumericDebugHandle;
  /** Of the output node: the results' names for callers. Passes may replace the nodes; these names stay. */
  outputNames?: readonly string[];
  /**
   * Arguments whose whole-numbered values are floats in Python, where the schema allows both (`hardtanh`'s `6.0`). The
   * printer writes them as floats.
   */
  floatArguments?: readonly string[];
}

/** A node's argument. Dtypes, layouts and the like are strings; the operator's schema tells them apart. */
export type Argument = Node | number | string | boolean | null | readonly Argument[];

/** An {@link Argument} in which `T` replaces nodes. */
export type Mapped<T> = T | Exclude<Argument, Node | readonly Argument[]> | readonly Mapped<T>[];

/** A call's arguments: positional and by name. */
export interface Call {
  readonly args: readonly Argument[];
  readonly kwargs: Readonly<Record<string, Argument>>;
}

/** The kind of a node (`torch.fx.Node.op`). */
export type NodeOp = 'placeholder' | 'get_attr' | 'call_function' | 'call_module' | 'output';

/**
 * One step of a graph (counterpart: `torch.fx.Node`). `target` is an operator's name (`aten.conv2d.default`) for
 * `call_function`, a path into the GraphModule for `get_attr` and `call_module` (observers), else the name itself.
 * Arguments change only through methods, which keep `users` true.
 */
export class Node {
  readonly op: NodeOp;
  target: string;
  name: string;
  meta: NodeMeta = {};
  #args: readonly Argument[] = [];
  #kwargs: Readonly<Record<string, Argument>> = {};
  readonly #users = new Set<Node>();

  /** @internal Only `Graph` creates nodes. */
  constructor(name: string, op: NodeOp, target: string) {
    this.name = name;
    this.op = op;
    this.target = target;
  }

  get args(): readonly Argument[] {
    return this.#args;
  }

  get kwargs(): Readonly<Record<string, Argument>> {
    return this.#kwargs;
  }

  /**
   * Nodes that use this one as an argument, in the order their arguments were last set. That is torch.fx's order;
   * passes that copy or number nodes per user (the duplicated dequantize nodes) depend on it.
   */
  get users(): readonly Node[] {
    return [...this.#users];
  }

  /** Nodes that this one uses as arguments, each once, in argument order (`torch.fx.Node.all_input_nodes`). */
  get allInputNodes(): readonly Node[] {
    const found = new Set<Node>();
    visitNodes([...this.#args, ...Object.values(this.#kwargs)], (node) => found.add(node));
    return [...found];
  }

  /** Replaces all arguments. */
  setArguments(args: readonly Argument[], kwargs: Readonly<Record<string, Argument>> = this.#kwargs): void {
    for (const node of this.allInputNodes) node.#users.delete(this);
    this.#args = args;
    this.#kwargs = kwargs;
    for (const node of this.allInputNodes) node.#users.add(this);
  }

  /** Replaces one positional argument (`torch.fx.Node.update_arg`). */
  updateArgument(index: number, value: Argument): void {
    this.setArguments(this.#args.map((arg, i) => (i === index ? value : arg)));
  }

  /** Replaces `old` with `replacement` in this node's arguments (`torch.fx.Node.replace_input_with`). */
  replaceInputWith(old: Node, replacement: Node): void {
    const { args, kwargs } = mapArguments<Node>(this, (node) => (node === old ? replacement : node));
    this.setArguments(args, kwargs);
  }

  /** Makes every user of this node that `filter` accepts use `replacement` instead. */
  replaceAllUsesWith(replacement: Node, filter: (user: Node) => boolean = () => true): void {
    for (const user of this.users)
      if (user !== replacement && filter(user)) user.replaceInputWith(this, replacement);
  }

  toString(): string {
    return this.name;
  }
}

/** Whether an argument is a list of arguments. */
export function isArgumentList(arg: Argument): arg is readonly Argument[] {
  return Array.isArray(arg);
}

/** An argument in which `result(node)` replaces each node (counterpart: `torch.fx.map_arg`). */
export function mapArgument<T>(arg: Argument, result: (node: Node) => T): Mapped<T> {
  if (arg instanceof Node) return result(arg);
  return isArgumentList(arg) ? arg.map((item) => mapArgument(item, result)) : arg;
}

/** A call's arguments, each mapped by {@link mapArgument}. */
export function mapArguments<T>(
  { args, kwargs }: Call,
  result: (node: Node) => T,
): { args: Mapped<T>[]; kwargs: Record<string, Mapped<T>> } {
  return {
    args: args.map((arg) => mapArgument(arg, result)),
    kwargs: Object.fromEntries(Object.entries(kwargs).map(([key, arg]) => [key, mapArgument(arg, result)])),
  };
}

/** Calls `visit` for every node inside an argument, depth first. */
export function visitNodes(arg: Argument, visit: (node: Node) => void): void {
  if (arg instanceof Node) visit(arg);
  else if (isArgumentList(arg)) for (const item of arg) visitNodes(item, visit);
}

/** The name of a node's value in messages: a parameter's path, otherwise the node's name. */
export function describeValue(node: Node): string {
  return node.op === 'get_attr' ? `the parameter or buffer '${node.target}'` : `the value of '${node}'`;
}
