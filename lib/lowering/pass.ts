import { operators } from '../aten/index.ts';
import { type GraphModule, type Node, propagateShapes, type TensorMeta, tensorMeta } from '../graph/index.ts';
import { isFloatingPoint, type Tensor } from '../tensor/index.ts';
import { GraphEditor } from '../transforms/editor.ts';
import type { LoweringRecord, RecordedRefusal } from './record.ts';
import { type LoweringReport, reportOf } from './report.ts';

/** One rewriting of a graph. */
export interface Pass {
  readonly name: string;
  /** Changes the graph in place; gives the number of places it changed. */
  run(context: PassContext): number;
}

/**
 * The graph a pass works on. Every edit goes through here, so that each node's dtype and shape stay known and the report
 * can say where every operator of the given graph went.
 */
export class PassContext extends GraphEditor {
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
    super(module);
    this.#keepFloat = keepFloat;
    inferShapes(module);
    const calls = module.graph.nodes.filter((node) => node.op === 'call_function');
    this.#captured = calls.map(({ name, target }) => ({ node: name, target }));
    for (const node of calls) this.#origins.set(node, new Set([node.name]));
  }

  /** Runs one pass and counts what it did. What it refused in an earlier round is forgotten. */
  apply(pass: Pass): number {
    this.#pass = pass.name;
    for (const [key, refusal] of this.#refusals) if (refusal.pass === pass.name) this.#refusals.delete(key);
    const count = pass.run(this);
    this.#counts.set(pass.name, (this.#counts.get(pass.name) ?? 0) + count);
    return count;
  }

  /** Dtype and shape of a node that gives one tensor. */
  meta(node: Node): TensorMeta {
    const meta = tensorMeta(node);
    if (!meta) throw new Error(`node '${node}' does not give one tensor`);
    return meta;
  }

  /** The value of a parameter, buffer or constant; undefined for what is computed. */
  constantValue(node: Node): Tensor | undefined {
    return node.op === 'get_attr' ? this.module.attribute(node.target) : undefined;
  }

  /** Erases a node that nobody uses, and notes which pass did. */
  override erase(node: Node): void {
    const origins = this.#origins.get(node) ?? [];
    super.erase(node);
    this.#origins.delete(node);
    this.#note(origins);
  }

  /** States that `node` does the work of `others`: the operators of the given graph that these stand for are its own. */
  override inherit(node: Node, others: readonly Node[]): void {
    super.inherit(node, others);
    const names = [node, ...others].flatMap((other) => [...(this.#origins.get(other) ?? [])]);
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

/** Infers every node's dtype and shape, from those of the inputs. */
function inferShapes(module: GraphModule): void {
  const inputs = module.graph.placeholders.map((node) => {
    const meta = tensorMeta(node);
    if (!meta)
      throw new Error(
        `lower: the dtype and shape of input '${node.name}' are unknown; set its meta.val, as exportModel does`,
      );
    return meta;
  });
  for (const [node, meta] of propagateShapes(module, inputs, operators))
    node.meta = { ...node.meta, val: meta };
}

/** Whether a node gives real numbers, not the integers that stand for them: pointwise functions mean those. */
export function givesFloat(context: PassContext, node: Node): boolean {
  return isFloatingPoint(context.meta(node).dtype);
}
