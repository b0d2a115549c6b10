import { operators } from '../aten/index.ts';
import {
  type Argument,
  Arguments,
  type Graph,
  type GraphModule,
  inferCall,
  inferNode,
  type Node,
  propagateShapes,
  type TensorMeta,
  tensorMeta,
} from '../graph/index.ts';
import { isFloatingPoint, type Tensor } from '../tensor/index.ts';
import type { LoweringRecord, RecordedRefusal } from './record.ts';
import { type LoweringReport, reportOf } from './report.ts';

/** One rewriting of a graph. */
export interface Pass {
  readonly name: string;
  /** Changes the graph in place; gives the number of places it changed. */
  run(context: PassContext): number;
}

/**
 * The graph a pass works on, with the editing a pass needs. Every edit goes through here, so that each node's dtype and
 * shape stay known and the report can say where every operator of the given graph went.
 */
export class PassContext {
  readonly module: GraphModule;
  readonly #captured: readonly { readonly node: string; readonly target: string }[];
  /** Captured operators by the node that computes them now. */
  readonly #origins = new Map<Node, ReadonlySet<string>>();
  /** Passes that changed what computes a captured operator. */
  readonly #histories = new Map<string, string[]>();
  readonly #refusals = new Map<string, RecordedRefusal>();
  /** Names of refused nodes that some other operator computes in float. */
  readonly #inFloat = new Set<string>();
  readonly #counts = new Map<string, number>();
  readonly #keepFloat: ReadonlySet<string>;
  #pass = '';

  /**
   * @param keepFloat names of layers that no pass may compute on 8-bit integers.
   * @throws Error when an input's dtype and shape are unknown, or an operator is not supported.
   */
  constructor(module: GraphModule, keepFloat: ReadonlySet<string> = new Set()) {
    this.module = module;
    this.#keepFloat = keepFloat;
    this.inferShapes();
    const calls = module.graph.nodes.filter((node) => node.op === 'call_function');
    this.#captured = calls.map(({ name, target }) => ({ node: name, target }));
    for (const node of calls) this.#origins.set(node, new Set([node.name]));
  }

  get graph(): Graph {
    return this.module.graph;
  }

  /** Works out every node's dtype and shape anew: for a pass that did not edit through this context. */
  inferShapes(): void {
    const inputs = this.module.graph.placeholders.map((node) => {
      const meta = tensorMeta(node);
      if (!meta)
        throw new Error(
          `lower: the dtype and shape of input '${node.name}' are unknown; set its meta.val, as exportModel does`,
        );
      return meta;
    });
    for (const [node, meta] of propagateShapes(this.module, inputs, operators))
      node.meta = { ...node.meta, val: meta };
  }

  /** Works out one call's dtype and shape anew, after its arguments or their dtypes changed. */
  inferAgain(node: Node): void {
    node.meta = {
      ...node.meta,
      val: inferNode(operators, node, (input) => input.meta.val!, this.module.rangeConstraints),
    };
  }

  /** Runs one pass and counts what it did. What it refused in an earlier round is forgotten. */
  apply(pass: Pass): number {
    this.#pass = pass.name;
    for (const [key, refusal] of this.#refusals) if (refusal.pass === pass.name) this.#refusals.delete(key);
    const count = pass.run(this);
    this.#counts.set(pass.name, (this.#counts.get(pass.name) ?? 0) + count);
    return count;
  }

  /** A call's arguments by the names of its schema; nodes stand for tensors. */
  arguments(node: Node): Arguments<Node> {
    return Arguments.bind<Node>(operators.get(node.target).schema, node.args, node.kwargs);
  }

  /** A call's arguments by name, as they stand in the graph, defaults filled in. */
  named(node: Node): Record<string, Argument> {
    const bound = this.arguments(node);
    return Object.fromEntries(bound.schema.arguments.map(({ name }) => [name, bound.raw(name) as Argument]));
  }

  /** Dtype and shape of a node that gives one tensor. */
  meta(node: Node): TensorMeta {
    const meta = tensorMeta(node);
    if (!meta) throw new Error(`node '${node}' does not give one tensor`);
    return meta;
  }

  /** The value of a parameter, buffer or constant; undefined for what is computed. */
  constant(node: Node): Tensor | undefined {
    return node.op === 'get_attr' ? this.module.attribute(node.target) : undefined;
  }

  /** A new call before `before`. `covers`: the nodes whose work it does. */
  call(before: Node, target: string, args: readonly Argument[], covers: readonly Node[]): Node {
    const node = this.graph.insertingBefore(before, () => this.graph.callFunction(target, args));
    node.meta = {
      val: inferCall(operators, target, args, {}, (input) => input.meta.val!, this.module.rangeConstraints),
    };
    this.inherit(node, covers);
    return node;
  }

  /**
   * A call's arguments by position, from those by name.
   * @throws Error when one is missing.
   */
  positional(target: string, named: Readonly<Record<string, Argument>>): Argument[] {
    return operators.get(target).schema.arguments.map(({ name }) => {
      if (named[name] === undefined) throw new Error(`${target}: no value for argument '${name}'`);
      return named[name];
    });
  }

  /** Changes a call's arguments, given by name. Its own dtype and shape are worked out anew. */
  setArguments(node: Node, named: Readonly<Record<string, Argument>>): void {
    const { schema } = this.arguments(node);
    const of = (keywordOnly: boolean) =>
      schema.arguments.filter((each) => each.keywordOnly === keywordOnly).map(({ name }) => name);
    const keywords = Object.fromEntries(of(true).map((name) => [name, named[name]]));
    node.setArguments(
      of(false).map((name) => named[name]),
      keywords,
    );
    this.inferAgain(node);
  }

  /** A new constant before `before`. `path` is made unique. */
  newConstant(before: Node, path: string, value: Tensor, covers: readonly Node[] = []): Node {
    const unique = this.module.unusedAttribute(path);
    this.module.attributes.set(unique, value);
    const node = this.graph.insertingBefore(before, () => this.graph.getAttr(unique));
    node.meta = { val: { dtype: value.dtype, shape: value.shape } };
    this.inherit(node, covers);
    return node;
  }

  /**
   * Puts a call in the place of `node`: same users, and `node` is erased. `covers` names the nodes before it whose work
   * the new one does as well; those that lose their last user go too.
   */
  replaceWithCall(node: Node, target: string, args: readonly Argument[], covers: readonly Node[] = []): Node {
    const twin = this.call(node, target, args, [...covers, node]);
    this.replace(node, twin, covers);
    return twin;
  }

  /** Makes every user of `node` take `twin`, and erases `node` and those of `covers` that are now unused. */
  replace(node: Node, twin: Node, covers: readonly Node[] = []): void {
    node.replaceAllUsesWith(twin);
    this.erase(node);
    for (const covered of [...covers].reverse()) if (covered.users.length === 0) this.erase(covered);
  }

  /** Erases a node that nobody uses. */
  erase(node: Node): void {
    const origins = this.#origins.get(node) ?? [];
    this.#origins.delete(node);
    this.graph.eraseNode(node);
    this.#note(origins);
  }

  /** Says that `node` does the work of `covers`. */
  inherit(node: Node, covers: readonly Node[]): void {
    const names = [node, ...covers].flatMap((covered) => [...(this.#origins.get(covered) ?? [])]);
    this.#origins.set(node, new Set(names));
    this.#note(names);
  }

  #note(names: Iterable<string>): void {
    for (const name of names) {
      const history = this.#histories.get(name) ?? [];
      this.#histories.set(name, history);
      if (history.at(-1) !== this.#pass) history.push(this.#pass);
    }
  }

  /** Notes why a pattern that begins at `node` was left as it is. */
  refuse(node: Node, reason: string): void {
    const operators = [...(this.#origins.get(node) ?? [])];
    this.#refusals.set(`${this.#pass}\n${node.name}`, {
      node: node.name,
      pass: this.#pass,
      reason,
      operators,
    });
  }

  /** Says that what was refused at `node` is final: it gets an operator that computes in float. */
  staysInFloat(node: Node): void {
    if (this.isRefused(node)) this.#inFloat.add(node.name);
  }

  /** Whether a node does the work of a layer that must not compute on 8-bit integers. */
  keepsFloat(node: Node): boolean {
    return [...(this.#origins.get(node) ?? [])].some((name) => this.#keepFloat.has(name));
  }

  /** Whether some pass already said why `node`, or an operator that it stands for, was left as it is. */
  isRefused(node: Node): boolean {
    const origins = this.#origins.get(node);
    return [...this.#refusals.values()].some(
      (refusal) => refusal.node === node.name || refusal.operators.some((name) => origins?.has(name)),
    );
  }

  /** What the passes have done so far. */
  record(): LoweringRecord {
    const { nodes } = this.graph;
    const alive = new Set(nodes.map((node) => node.name));
    const computing = new Map<string, string[]>(this.#captured.map(({ node }) => [node, []]));
    // An input that is given as an operator would have computed it takes no computing.
    for (const node of nodes)
      if (node.op !== 'placeholder')
        for (const name of this.#origins.get(node) ?? []) computing.get(name)!.push(node.name);
    return {
      passes: [...this.#counts].map(([pass, count]) => ({ pass, count })),
      nodes: this.#captured.map(({ node, target }) => ({
        node,
        target,
        computedBy: computing.get(node)!,
        passes: this.#histories.get(node) ?? [],
      })),
      refusals: [...this.#refusals.values()].filter(({ node }) => alive.has(node) || this.#inFloat.has(node)),
    };
  }

  report(): LoweringReport {
    return reportOf(this.module, this.record());
  }
}

/** Whether a node gives real numbers, not the integers that stand for them: pointwise functions mean those. */
export function givesFloat(context: PassContext, node: Node): boolean {
  return isFloatingPoint(context.meta(node).dtype);
}
