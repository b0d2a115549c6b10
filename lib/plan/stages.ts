import { operators } from '../aten/index.ts';
import {
  constantNodes,
  type Dim,
  dimsEqual,
  Graph,
  GraphModule,
  inputsOf,
  isArgumentList,
  isTensorMeta,
  type MetaValue,
  type Node,
  propagateShapes,
  type TensorMeta,
} from '../graph/index.ts';

/**
 * A part of a graph whose sizes are all known when it begins, so that a plan can compute it. Extents that values decide
 * (boxes that are left, elements that are not zero) are known to the stages that follow:
 *
 *     stage 1                      stage 2, a plan for each number of boxes
 *     image ─▶ layers ─▶ nms  ──▶  boxes[chosen] ─▶ results
 */
export interface Stage {
  readonly module: GraphModule;
  /** What each placeholder is: a number of a value. The model's inputs come first, then the results of one stage after the other. */
  readonly inputs: readonly number[];
  /** For each result, whether the plan returns it as the most rows that there may be, and their number. */
  readonly counted: readonly boolean[];
}

/** A graph as stages, and the values that its outputs are. */
export interface Stages {
  readonly stages: readonly Stage[];
  readonly outputs: readonly number[];
}

/** One stage if no values decide sizes. */
export function divideIntoStages(module: GraphModule): Stages {
  const { placeholders, nodes, outputNode } = module.graph;
  const isDivided = nodes.some((node) => decidesExtent(node));
  if (isDivided) return new StageDivision(module).divide();
  const outputs = [outputNode.args[0]].flat() as readonly Node[];
  const stage = { module, inputs: placeholders.map((_, i) => i), counted: outputs.map(() => false) };
  return { stages: [stage], outputs: outputs.map((_, i) => placeholders.length + i) };
}

/** Whether the values of its inputs decide how long a node's result is. */
export const decidesExtent = (node: Node): boolean =>
  node.op === 'call_function' && operators.decidesExtent(node.target);

/** Whether a node computes with sizes in JavaScript: it is repeated in each stage that needs it. */
const isOfSizes = (node: Node): boolean =>
  node.op === 'call_function' &&
  operators.has(node.target) &&
  'host' in operators.get(node.target).definition;

/** Constants, and what is computed from them alone, are in every stage that needs them. */
const EVERYWHERE = -1;

class StageDivision {
  readonly #module: GraphModule;
  readonly #metas: ReadonlyMap<Node, MetaValue>;
  readonly #results: readonly Node[];
  /** The stage that computes a node. */
  readonly #stageOf = new Map<Node, number>();
  readonly #last: number;

  constructor(module: GraphModule) {
    this.#module = module;
    this.#metas = propagateShapes(module, inputsOf(module), operators);
    const [returned] = module.graph.outputNode.args;
    this.#results = (isArgumentList(returned) ? returned : [returned]) as readonly Node[];
    this.#assignStages();
    this.#last = Math.max(0, ...this.#stageOf.values());
  }

  divide(): Stages {
    const wanted = this.#wantedResults();
    const stages: Stage[] = [];
    const numbers = new Map<Node, number>();
    const { placeholders } = this.#module.graph;
    let count = placeholders.length;
    for (const [index, results] of wanted.entries()) {
      const { module, inputs } = this.#stage(index, results.nodes, results.needed);
      stages.push({
        module,
        inputs: inputs.map((node) =>
          node.op === 'placeholder' ? placeholders.indexOf(node) : numbers.get(node)!,
        ),
        counted: results.nodes.map(decidesExtent),
      });
      for (const node of results.nodes) numbers.set(node, count++);
    }
    return { stages, outputs: this.#results.map((node) => numbers.get(node)!) };
  }

  /** As early as its inputs are there. What follows a count begins a stage. */
  #assignStages(): void {
    const constants = constantNodes(this.#module.graph);
    for (const node of this.#module.graph.nodes) {
      if (node.op === 'output') continue;
      const isConstant = constants.has(node) && !node.allInputNodes.some(decidesExtent);
      const after = node.allInputNodes.map((input) => this.#availableIn(input));
      const stage = Math.max(decidesExtent(node) || !isConstant ? 0 : EVERYWHERE, ...after);
      this.#stageOf.set(node, stage);
    }
  }

  /** The first stage that can compute with a node. */
  #availableIn(node: Node): number {
    const stage = this.#stageOf.get(node)!;
    return decidesExtent(node) ? stage + 1 : stage;
  }

  /** What each stage returns, and all that it needs for this, found from the last stage to the first. */
  #wantedResults(): { nodes: Node[]; needed: ReadonlySet<Node> }[] {
    const wanted = Array.from({ length: this.#last + 1 }, () => new Set<Node>());
    for (const node of this.#results) wanted[Math.max(0, this.#stageOf.get(node)!)].add(node);
    const found: { nodes: Node[]; needed: ReadonlySet<Node> }[] = [];
    for (let index = this.#last; index >= 0; index--) {
      const results = wanted[index];
      const { nodes } = this.#module.graph;
      const needed = new Set([...results, ...nodes.filter((node) => this.#isCheckedIn(node, index))]);
      for (const node of needed)
        if (this.#isComputedIn(node, index))
          for (const input of this.#inputsIn(node, index)) {
            needed.add(input);
            if (!this.#isComputedIn(input, index) && input.op !== 'placeholder')
              wanted[this.#stageOf.get(input)!].add(input);
          }
      found.unshift({ nodes: [...results], needed });
    }
    return found;
  }

  /** A condition on sizes, whose result nobody reads: it fails where the model does not support them. */
  #isCheckedIn(node: Node, stage: number): boolean {
    return node.users.length === 0 && isOfSizes(node) && this.#stageOf.get(node) === stage;
  }

  #isComputedIn(node: Node, stage: number): boolean {
    const own = this.#stageOf.get(node)!;
    if (node.op === 'placeholder') return false;
    return own === stage || own === EVERYWHERE || (isOfSizes(node) && own < stage);
  }

  /** The nodes that a call reads in a stage. An extent is read of a tensor that is there in any case. */
  #inputsIn(node: Node, stage: number): readonly Node[] {
    const source = this.#extentSource(node, stage);
    return source ? [source.node] : node.allInputNodes;
  }

  /** An input, or a count, of which some extent is the one that a call asks a tensor of another stage for. */
  #extentSource(node: Node, stage: number): { readonly node: Node; readonly axis: number } | undefined {
    if (node.target !== 'aten.sym_size.int' || this.#stageOf.get(node)! >= stage) return undefined;
    const wanted = this.#metas.get(node) as Dim;
    for (const candidate of this.#module.graph.nodes) {
      const isThere =
        candidate.op === 'placeholder' || (decidesExtent(candidate) && this.#stageOf.get(candidate)! < stage);
      const meta = this.#metas.get(candidate);
      if (!isThere || !isTensorMeta(meta)) continue;
      const axis = meta.shape.findIndex((dim) => dimsEqual(dim, wanted));
      if (axis >= 0) return { node: candidate, axis };
    }
    return undefined;
  }

  /** The graph of a stage. The first one has all inputs of the model, in order. */
  #stage(index: number, results: readonly Node[], needed: ReadonlySet<Node>) {
    const graph = new Graph();
    const copies = new Map<Node, Node>();
    const { nodes, placeholders } = this.#module.graph;
    const isInput = (node: Node) => needed.has(node) && !this.#isComputedIn(node, index);
    const inputs = index === 0 ? placeholders : nodes.filter(isInput);
    for (const input of inputs) {
      const placeholder = graph.placeholder(input.name);
      placeholder.meta.val = this.#metas.get(input) as TensorMeta;
      copies.set(input, placeholder);
    }
    const copyOf = (node: Node) => copies.get(node)!;
    for (const node of nodes) {
      if (!needed.has(node) || !this.#isComputedIn(node, index)) continue;
      const source = this.#extentSource(node, index);
      copies.set(
        node,
        source
          ? graph.callFunction(node.target, [copyOf(source.node), source.axis], {}, node.name)
          : graph.nodeCopy(node, copyOf),
      );
    }
    graph.output(results.map(copyOf));
    const module = new GraphModule(graph, this.#module.attributes, [], this.#module.rangeConstraints);
    module.deleteUnused();
    return { module, inputs };
  }
}
