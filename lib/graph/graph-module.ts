import type { Tensor } from '../tensor/index.ts';
import { Graph } from './graph.ts';
import type { Argument, Node } from './node.ts';
import type { SymbolRange } from './symbol-range.ts';

/** A module a graph can call: in prepared graphs, the observers and fake quantizers. */
export interface CallableModule {
  forward(input: Tensor): Tensor;
}

/** Adds nodes to a graph. */
export interface NodeBuilder {
  /** Calls an operator; the results of one that has several are picked with {@link item}. */
  call(target: string, ...args: readonly Argument[]): Node;
  /** One of several results. */
  item(results: Node, index: number): Node;
}

/** A module that keeps tensors, and whose call can be written as operators: a fake quantizer. Training replaces its state. */
export interface StatefulModule extends CallableModule {
  /** Its tensors by name. */
  readonly state: ReadonlyMap<string, Tensor>;
  /** Names of those that an optimizer trains. */
  readonly parameters?: readonly string[];
  /** Names of switches, one int64 each: while one of them is 0, these stay as the call leaves them. Without any, they are always trained. */
  readonly parameterSwitches?: readonly string[];
  /** The same, made for inputs of that shape where they do not exist yet. */
  stateFor(shape: readonly number[]): ReadonlyMap<string, Tensor>;
  /** Replaces one of them. */
  setState(name: string, value: Tensor): void;
  /**
   * The call as operators: its result, and by name what becomes of the state. Where the call makes a parameter (from the first tensor
   * that it sees), gradients are those of what the first call leaves.
   */
  emit(
    input: Node,
    state: ReadonlyMap<string, Node>,
    g: NodeBuilder,
  ): { readonly result: Node; readonly state: ReadonlyMap<string, Node> };
}

/** Whether a module's call can be written as operators. */
export const isStateful = (module: CallableModule): module is StatefulModule => 'emit' in module;

/** Facts about a whole graph. Other folders add theirs by declaration merging (lowering adds `lowering`). */
export interface GraphModuleMeta {
  /**
   * Paths of the attributes that training changes: parameters (`named_parameters`) with `requires_grad`. All others are buffers, constants
   * and parameters that stay.
   */
  parameters?: ReadonlySet<string>;
}

/**
 * A graph with the parameters, buffers and modules it names (counterpart: `torch.fx.GraphModule`). Every stage of
 * Octavo accepts one and returns one.
 */
export class GraphModule {
  graph: Graph;
  /** Parameters, buffers and constants by path: `layer1.0.conv1.weight`. */
  readonly attributes: Map<string, Tensor>;
  /** Modules by name: `activation_post_process_0`. */
  readonly modules: Map<string, CallableModule>;
  /** Range of each symbolic size in the graph's metas, by symbol: `s0`. Inputs outside them are rejected. */
  readonly rangeConstraints: Map<string, SymbolRange>;
  /** Facts about the graph as a whole (`torch.fx.GraphModule.meta`). `clone` copies them. */
  meta: GraphModuleMeta = {};
  /** The last number given to a path by what stands before it, so that finding a free one does not count from 0. */
  readonly #numbers = new Map<string, number>();

  constructor(
    graph: Graph = new Graph(),
    attributes: Iterable<readonly [string, Tensor]> = [],
    modules: Iterable<readonly [string, CallableModule]> = [],
    rangeConstraints: Iterable<readonly [string, SymbolRange]> = [],
  ) {
    this.graph = graph;
    this.attributes = new Map(attributes);
    this.modules = new Map(modules);
    this.rangeConstraints = new Map(rangeConstraints);
  }

  /**
   * Returns `value` after checking that it is a GraphModule. JavaScript callers may pass anything, for example the
   * promise of `loadPt2` without `await`.
   * @param where the function that accepts the value, for messages.
   * @param expected what the function accepts, for messages.
   * @throws Error when the value is not a graph module.
   */
  static accept(value: unknown, where: string, expected = 'a GraphModule'): GraphModule {
    if (value instanceof GraphModule) return value;
    const got =
      value instanceof Promise ? 'a Promise; await it first' : value === null ? 'null' : typeof value;
    throw new Error(`${where}: expected ${expected}, got ${got}`);
  }

  /**
   * The parameter, buffer or constant at that path (`torch.fx.GraphModule.get_parameter`, `get_buffer`).
   * @throws Error that names the path when nothing is stored there.
   */
  attribute(target: string): Tensor {
    const tensor = this.attributes.get(target);
    if (!tensor) throw new Error(`GraphModule: there is no parameter or buffer '${target}'`);
    return tensor;
  }

  /**
   * The module of that name (`torch.fx.GraphModule.get_submodule`).
   * @throws Error that names the target when no such module exists.
   */
  module(target: string): CallableModule {
    const module = this.modules.get(target);
    if (!module) throw new Error(`GraphModule: there is no module '${target}'`);
    return module;
  }

  /**
   * A path that no parameter, buffer, constant or module uses yet: `path` itself, otherwise the first unused one of `path_1`,
   * `path_2`, … A path that ends in a number counts on from that: `_scale_0`, `_scale_1`, …
   */
  unusedAttribute(path: string): string {
    const isTaken = (name: string) => this.attributes.has(name) || this.modules.has(name);
    if (!isTaken(path)) return path;
    const [digits] = /\d{0,9}$/.exec(path)!;
    const stem = digits === '' ? `${path}_` : path.slice(0, -digits.length);
    let number = this.#numbers.get(stem) ?? Number(digits);
    do number++;
    while (isTaken(`${stem}${number}`));
    this.#numbers.set(stem, number);
    return `${stem}${number}`;
  }

  /**
   * Training mode, or evaluation mode for false (`torch.nn.Module.train`). Batch norms and dropouts of a captured graph have theirs as an
   * argument, so this works once `allowExportedModelTrainEval` has said that switching these is enough.
   * @throws Error before.
   */
  train(mode = true): this {
    throw new Error(
      `GraphModule.${mode ? 'train' : 'eval'}: a captured model switches batch norms and dropouts alone; use ` +
        `${mode ? 'moveExportedModelToTrain' : 'moveExportedModelToEval'}(model), or call allowExportedModelTrainEval(model) before`,
    );
  }

  /**
   * Evaluation mode (`torch.nn.Module.eval`): `train(false)`.
   * @throws Error as {@link train} does.
   */
  eval(): this {
    return this.train(false);
  }

  /** A copy with its own graph; tensors and modules are shared. */
  clone(): GraphModule {
    const copy = new GraphModule(this.graph.clone(), this.attributes, this.modules, this.rangeConstraints);
    copy.meta = { ...this.meta };
    return copy;
  }

  /** Deletes parameters, buffers and modules that no node names (`delete_all_unused_submodules`). */
  deleteUnused(): void {
    const named = new Set(this.graph.nodes.map((node) => node.target));
    for (const key of this.attributes.keys()) if (!named.has(key)) this.attributes.delete(key);
    for (const key of this.modules.keys()) if (!named.has(key)) this.modules.delete(key);
  }
}
