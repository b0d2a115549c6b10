import type { Graph } from '../graph.ts';
import type { GraphModule } from '../graph-module.ts';
import type { Node } from '../node.ts';
import type { OperatorLibrary } from '../operator.ts';
import { type SubgraphMatch, SubgraphMatcher, type SubgraphMatcherOptions } from './subgraph-matcher.ts';

/** A pattern with names for some of its nodes; `capturePattern` makes one from a function. */
export interface NamedPattern {
  readonly module: GraphModule;
  readonly nodes: ReadonlyMap<string, Node>;
}

/** A match whose nodes can be looked up by the names in the pattern. */
export interface NamedSubgraphMatch extends SubgraphMatch {
  /** The node of the searched graph for each name in the pattern. */
  readonly nameNodeMap: ReadonlyMap<string, Node>;
}

/**
 * A {@link SubgraphMatcher} whose matches tell which node is which by name (counterpart:
 * `SubgraphMatcherWithNameNodeMap`).
 *
 *     const pattern = capturePattern((x, weight) => {
 *       const conv = F.conv2d(x, weight);
 *       const relu = F.relu(conv);
 *       return [relu, { conv, relu }];
 *     }, exampleInputs);
 *     const matcher = new SubgraphMatcherWithNameNodeMap(pattern, operators);
 *     for (const { nameNodeMap } of matcher.match(module.graph))
 *       nameNodeMap.get('conv')!.meta.quantizationAnnotation = …
 */
export class SubgraphMatcherWithNameNodeMap {
  readonly #matcher: SubgraphMatcher;
  readonly #nodes: ReadonlyMap<string, Node>;

  /** @throws Error when the pattern computes nothing, or has a node that leads to no result. */
  constructor(pattern: NamedPattern, operators: OperatorLibrary, options: SubgraphMatcherOptions = {}) {
    this.#matcher = new SubgraphMatcher(pattern.module.graph, operators, options);
    this.#nodes = pattern.nodes;
  }

  /** All matches, in the order of the graph's nodes that match the pattern's first result. */
  match(graph: Graph): NamedSubgraphMatch[] {
    return this.#matcher.match(graph).map((match) => ({
      ...match,
      nameNodeMap: new Map([...this.#nodes].map(([name, node]) => [name, match.nodesMap.get(node) as Node])),
    }));
  }
}
