import { checkOptions, type OptionNames } from '../../options.ts';
import { bindToSchema } from '../bind-to-schema.ts';
import type { Graph } from '../graph.ts';
import { type Argument, isArgumentList, Node } from '../node.ts';
import type { OperatorLibrary } from '../operator.ts';

/** How strictly a {@link SubgraphMatcher} compares. */
export interface SubgraphMatcherOptions {
  /** The pattern's inputs match inputs of the graph only, not any value. */
  readonly matchPlaceholder?: boolean;
  /** Of matches that share nodes, only the first is returned; true if left out. */
  readonly removeOverlappingMatches?: boolean;
  /** Numbers, strings and the like in the pattern's arguments match anything: any stride, any kernel size. */
  readonly ignoreLiterals?: boolean;
}

const matcherOptions: OptionNames<SubgraphMatcherOptions> = {
  matchPlaceholder: 'boolean',
  removeOverlappingMatches: 'boolean',
  ignoreLiterals: 'boolean',
};

/** One place where a pattern was found (counterpart: `InternalMatch`). */
export interface SubgraphMatch {
  /** What each node of the pattern matched. An input may match a number; every other node matches a node. */
  readonly nodesMap: ReadonlyMap<Node, Argument>;
  /** What the pattern's inputs matched, in their order. */
  readonly placeholderNodes: readonly Argument[];
  /** What the pattern's results matched, in their order. */
  readonly returningNodes: readonly Node[];
}

type Bindings = ReadonlyMap<Node, Argument>;
type Pair = readonly [pattern: Argument, target: Argument];

/**
 * Finds a pattern, itself a graph, in other graphs (counterpart: `torch.fx.passes.utils.matcher_utils.SubgraphMatcher`).
 * Nodes are compared from the pattern's results upwards: same operator, same arguments, in either order if the operator
 * is commutative. Results may have any users. Nodes inside a match have no users outside it, and a match could be
 * replaced by one node without creating a cycle.
 */
export class SubgraphMatcher {
  readonly #operators: OperatorLibrary;
  readonly #options: SubgraphMatcherOptions;
  readonly #placeholders: readonly Node[];
  readonly #results: readonly Node[];
  readonly #anchors: readonly Node[];

  /**
   * @param operators the library that both graphs are written in.
   * @throws Error when the pattern computes nothing, or has a node that leads to no result, and for an unknown option.
   */
  constructor(pattern: Graph, operators: OperatorLibrary, options: SubgraphMatcherOptions = {}) {
    checkOptions(options, matcherOptions, 'SubgraphMatcher');
    const { outputNode } = pattern;
    for (const node of pattern.nodes)
      if (node !== outputNode && node.users.length === 0)
        throw new Error(`pattern: node '${node}' leads to none of the results`);
    this.#operators = operators;
    this.#options = options;
    this.#placeholders = pattern.placeholders;
    this.#results = outputNode.allInputNodes;
    this.#anchors = this.#results.filter((node) => node.users.length === 1);
    if (this.#anchors.every((node) => node.op === 'placeholder'))
      throw new Error('pattern: there is no operator in it');
  }

  /** All matches, in the order of the graph's nodes that match the pattern's first result. */
  match(graph: Graph): SubgraphMatch[] {
    const matches = this.#anchored(graph, [], [], this.#anchors.length).map((bindings) =>
      this.#describe(bindings),
    );
    return (this.#options.removeOverlappingMatches ?? true) ? withoutOverlaps(matches) : matches;
  }

  /** The first valid match for every choice of nodes for the pattern's anchors. */
  #anchored(
    graph: Graph,
    pairs: readonly Pair[],
    taken: readonly Node[],
    missing: number,
  ): readonly Bindings[] {
    if (missing === 0) {
      for (const bindings of this.#solve(pairs, new Map()))
        if (this.#isReplaceable(bindings)) return [bindings];
      return [];
    }
    const anchor = this.#anchors[pairs.length];
    return graph.nodes
      .filter((node) => !taken.includes(node) && this.#areAlike(anchor, node))
      .flatMap((node) => this.#anchored(graph, [...pairs, [anchor, node]], [...taken, node], missing - 1));
  }

  /** All ways to make every pair equal, as extensions of the bindings so far. */
  *#solve(pairs: readonly Pair[], bindings: Bindings): Generator<Bindings> {
    if (pairs.length === 0) {
      yield bindings;
      return;
    }
    const [[pattern, target], ...rest] = pairs;
    if (!(pattern instanceof Node)) {
      const inner = this.#literalPairs(pattern, target);
      if (inner) yield* this.#solve([...inner, ...rest], bindings);
      return;
    }
    if (bindings.has(pattern)) {
      if (bindings.get(pattern) === target) yield* this.#solve(rest, bindings);
      return;
    }
    if (!this.#mayStandFor(pattern, target, bindings)) return;
    const extended = new Map(bindings).set(pattern, target);
    for (const inner of this.#argumentPairs(pattern, target))
      yield* this.#solve([...inner, ...rest], extended);
  }

  /**
   * The pairs that must be equal for two arguments to be equal, where the first is not a node; undefined if they
   * differ.
   */
  #literalPairs(pattern: Argument, target: Argument): readonly Pair[] | undefined {
    if (isArgumentList(pattern) && isArgumentList(target))
      return pattern.length === target.length ? pattern.map((item, i) => [item, target[i]]) : undefined;
    return this.#options.ignoreLiterals || pattern === target ? [] : undefined;
  }

  #mayStandFor(pattern: Node, target: Argument, bindings: Bindings): boolean {
    if (!(target instanceof Node)) return pattern.op === 'placeholder' && !this.#options.matchPlaceholder;
    return this.#areAlike(pattern, target) && ![...bindings.values()].includes(target);
  }

  #areAlike(pattern: Node, target: Node): boolean {
    if (pattern.op === 'placeholder' && !this.#options.matchPlaceholder) return target.op !== 'output';
    if (pattern.op !== target.op) return false;
    // Parameters and inputs match any parameter or input: a pattern has its own.
    return pattern.op === 'placeholder' || pattern.op === 'get_attr' || pattern.target === target.target;
  }

  /** The ways in which the arguments of two calls of the same operator may correspond. */
  #argumentPairs(pattern: Node, target: Argument): readonly (readonly Pair[])[] {
    if (pattern.op === 'placeholder' || pattern.op === 'get_attr' || !(target instanceof Node)) return [[]];
    const [wanted, found] = [pattern, target].map((node) => bindToSchema(node, this.#operators));
    if (wanted.length !== found.length) return [];
    const straight = wanted.map((arg, i): Pair => [arg, found[i]]);
    if (!isCommutative(target, found, this.#operators)) return [straight];
    const [first, second, ...rest] = wanted;
    const swapped: readonly Pair[] = [
      [first, found[1]],
      [second, found[0]],
      ...rest.map((arg, i): Pair => [arg, found[i + 2]]),
    ];
    return [straight, swapped];
  }

  #isReplaceable(bindings: Bindings): boolean {
    const inside = new Set(computedNodes(bindings));
    const results = new Set(this.#results.map((node) => bindings.get(node)));
    const leaks = [...inside].some(
      (node) => !results.has(node) && node.users.some((user) => !inside.has(user)),
    );
    return !leaks && !comesBack(inside);
  }

  #describe(nodesMap: Bindings): SubgraphMatch {
    return {
      nodesMap,
      placeholderNodes: this.#placeholders.map((node) => nodesMap.get(node)!),
      returningNodes: this.#results.map((node) => nodesMap.get(node) as Node),
    };
  }
}

/** Operands may be swapped only if no further argument (`alpha`) treats them differently. */
function isCommutative(node: Node, args: readonly Argument[], operators: OperatorLibrary): boolean {
  if (!operators.has(node.target) || !operators.get(node.target).commutative) return false;
  const { schema } = operators.get(node.target);
  return schema.arguments.slice(2).every(({ defaultValue }, i) => args[i + 2] === defaultValue);
}

/** The matched nodes, except those that the pattern's inputs matched. */
function computedNodes(bindings: Bindings): Node[] {
  return [...bindings]
    .filter(([pattern]) => pattern.op !== 'placeholder')
    .map(([, target]) => target as Node);
}

/** Whether a value leaves a set of nodes and a value computed from it enters the set again. */
function comesBack(inside: ReadonlySet<Node>): boolean {
  const seen = new Set<Node>();
  const pending = [...inside].flatMap((node) => node.users.filter((user) => !inside.has(user)));
  for (let node = pending.pop(); node; node = pending.pop()) {
    if (inside.has(node)) return true;
    if (seen.has(node)) continue;
    seen.add(node);
    pending.push(...node.users);
  }
  return false;
}

function withoutOverlaps(matches: readonly SubgraphMatch[]): SubgraphMatch[] {
  const taken = new Set<Node>();
  return matches.filter(({ nodesMap }) => {
    const nodes = computedNodes(nodesMap);
    if (nodes.some((node) => taken.has(node))) return false;
    for (const node of nodes) taken.add(node);
    return true;
  });
}
