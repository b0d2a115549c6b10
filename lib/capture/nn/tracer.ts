import {
  type Argument,
  type CallableModule,
  GET_ITEM,
  Graph,
  GraphModule,
  inferCall,
  type MetaValue,
  type ModuleFrame,
  type Node,
  type OperatorLibrary,
  SymInt,
  type TensorMeta,
} from '../../graph/index.ts';
import {
  type Dispatcher,
  hasOperators,
  type OperatorArgument,
  type OperatorCall,
  type Scope,
} from '../../nn/dispatcher.ts';
import type { Module, Value } from '../../nn/index.ts';
import { Tensor } from '../../tensor/index.ts';
import { MemoryTracker } from '../in-place.ts';
import { isBuiltin } from '../pt2/module-stack.ts';
import { TracedState } from './traced-state.ts';
import { TracedValue } from './traced-value.ts';

/** Records the operator calls of modules as a graph. */
export class Tracer implements Dispatcher {
  readonly #graph = new Graph();
  readonly #library: OperatorLibrary;
  readonly #state: TracedState;
  readonly #paths: ReadonlyMap<Scope, string>;
  readonly #memory = new MemoryTracker(this.#graph);
  readonly #sizes = new Map<string, Node>();
  readonly #sourceNames = new Map<string, number>();
  readonly #modules = new Map<string, CallableModule>();
  #stack: readonly Scope[] = [];

  constructor(root: Module, library: OperatorLibrary) {
    this.#library = library;
    this.#state = new TracedState(root, this.#graph);
    this.#paths = new Map(root.namedModules().map(([path, module]) => [module, path]));
  }

  /** Adds an input of the model. */
  input(name: string, meta: TensorMeta): TracedValue {
    const node = this.#graph.placeholder(name);
    return this.#define(node, meta);
  }

  within<T>(module: Scope, body: () => T): T {
    const outer = this.#stack;
    this.#stack = [...outer, module];
    if (isBuiltin(module.type)) this.#state.enter(module);
    try {
      return body();
    } catch (error) {
      throw this.#locate(error as Error, module);
    } finally {
      this.#stack = outer;
    }
  }

  call(call: OperatorCall): Value | readonly Value[] {
    const { target, args, kwargs = {} } = call;
    const { schema } = this.#library.get(target);
    const nodeArgs = args.map((arg) => this.#argument(arg));
    const nodeKwargs = Object.fromEntries(
      Object.entries(kwargs).map(([name, arg]) => [name, this.#argument(arg)]),
    );
    const metaOf = (node: Node) => node.meta.val!;
    const meta = inferCall(this.#library, target, nodeArgs, nodeKwargs, metaOf, new Map());
    const node = this.#graph.callFunction(target, nodeArgs, nodeKwargs, baseName(target));
    this.#describe(node, call);
    const floats = (call.floats ?? []).filter((name) => schema.arguments.some((arg) => arg.name === name));
    if (floats.length > 0) node.meta.floatArguments = floats;
    if (isTuple(meta)) return this.#unpack(node, meta);
    return this.#define(node, meta as TensorMeta);
  }

  /** Records the call of an observer or a fake quantizer, named and placed as those of prepared graphs are. */
  callModule(module: CallableModule, x: Value): Value {
    const input = this.#argument(x) as Node;
    const path = `activation_post_process_${this.#modules.size}`;
    this.#modules.set(path, module);
    const node = this.#graph.callModule(path, [input]);
    node.meta = { ...input.meta };
    return this.#define(node, input.meta.val as TensorMeta);
  }

  /** The finished graph, with parameters and buffers first as in PyTorch. */
  finish(result: Value | readonly Value[]): GraphModule {
    const outputs = (Array.isArray(result) ? result : [result]) as readonly Value[];
    if (outputs.some(hasOperators))
      throw new Error('the model returns a quantized value: let it go through a DeQuantStub');
    const nodes = outputs.map((value) => this.#argument(value) as Node);
    const module = new GraphModule(new Graph(), [], this.#modules);
    const copies = this.#state.copyInto(module);
    for (const node of this.#graph.nodes)
      if (!copies.has(node))
        copies.set(
          node,
          module.graph.nodeCopy(node, (input) => copies.get(input)!),
        );
    module.graph.output(nodes.map((node) => copies.get(node)!));
    module.graph.lint();
    return module;
  }

  #define(node: Node, meta: TensorMeta): TracedValue {
    node.meta.val = meta;
    this.#memory.add(node);
    return new TracedValue(node, meta);
  }

  #unpack(node: Node, metas: readonly TensorMeta[]): TracedValue[] {
    node.meta.val = metas;
    this.#memory.add(node);
    return metas.map((meta, i) => {
      const item = this.#graph.callFunction(GET_ITEM, [node, i]);
      item.meta = { ...node.meta };
      return this.#define(item, meta);
    });
  }

  #argument(arg: OperatorArgument): Argument {
    if (arg instanceof TracedValue) return this.#memory.current(arg.node);
    if (arg instanceof Tensor) return this.#attribute(arg);
    if (arg instanceof SymInt) return this.#size(arg);
    if (Array.isArray(arg)) return arg.map((item: OperatorArgument) => this.#argument(item));
    if (typeof arg === 'object' && arg !== null)
      throw new Error('a value of another export, or none of Octavo, was given to an operator');
    return arg as Exclude<typeof arg, object> | null;
  }

  #attribute(tensor: Tensor): Node {
    const node = this.#state.node(tensor);
    this.#memory.add(node);
    return node;
  }

  /** A symbolic size as a node, read from the first input that has it. */
  #size(size: SymInt): Node {
    const key = String(size);
    const known = this.#sizes.get(key);
    if (known) return known;
    for (const input of this.#graph.placeholders) {
      const axis = (input.meta.val as TensorMeta).shape.findIndex((dim) => String(dim) === key);
      if (axis < 0) continue;
      const last =
        this.#sizes.size > 0 ? [...this.#sizes.values()].at(-1)! : this.#graph.placeholders.at(-1)!;
      const node = this.#graph.insertingAfter(last, () =>
        this.#graph.callFunction(
          'aten.sym_size.int',
          [input, axis],
          {},
          `sym_size_int_${this.#sizes.size + 1}`,
        ),
      );
      node.meta.val = size;
      this.#sizes.set(key, node);
      return node;
    }
    throw new Error(`the size ${key} is no input's: say -1 where the shape is given`);
  }

  #describe(node: Node, call: OperatorCall): void {
    const inner = this.#stack.at(-1);
    node.meta.nnModuleStack = this.#stack.map(
      (module): ModuleFrame => ({ path: this.#paths.get(module) ?? '', type: module.type }),
    );
    const source = inner && isBuiltin(inner.type) ? inner.type : call.source;
    const name = inner && isBuiltin(inner.type) ? `l__self___${this.#path(inner)}` : lastPart(call.source);
    node.meta.sourceFnStack = [{ name: this.#sourceName(name), target: source }];
  }

  #path(module: Scope): string {
    return (this.#paths.get(module) ?? module.type).replaceAll('.', '_').toLowerCase();
  }

  /** Returns a unique name for every call, so that two calls of one module are distinguishable. */
  #sourceName(base: string): string {
    const count = this.#sourceNames.get(base) ?? 0;
    this.#sourceNames.set(base, count + 1);
    return count === 0 ? base : `${base}_${count}`;
  }

  /** Adds the module to an error's message. The innermost module does so first, and only once. */
  #locate(error: Error, module: Scope): Error {
    if (error instanceof ExportError) return error;
    const path = this.#paths.get(module);
    const where = path ? `'${path}' (${module.type})` : `the model (${module.type})`;
    return new ExportError(`export of ${where}: ${error.message}`, { cause: error });
  }
}

class ExportError extends Error {}

function isTuple(meta: MetaValue): meta is readonly TensorMeta[] {
  return Array.isArray(meta);
}

/** A traced call of `aten.add.Tensor` is named `add`. */
function baseName(target: string): string {
  return target.split('.')[1];
}

function lastPart(source: string): string {
  return source.slice(source.lastIndexOf('.') + 1);
}
