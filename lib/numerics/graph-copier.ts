import type { GraphModule, Node } from '../graph/index.ts';

/** Copies nodes of one graph into another, with the parameters they read. */
export class GraphCopier {
  readonly #into: GraphModule;
  readonly #from: GraphModule;
  readonly #paths = new Map<string, string>();
  readonly #order: readonly Node[];
  #next = 0;

  constructor(into: GraphModule, from: GraphModule) {
    this.#into = into;
    this.#from = from;
    this.#order = into.graph.nodes;
    for (const input of into.graph.placeholders) this.moveBehind(input);
  }

  /** Where copies are put: one behind the other. */
  get place(): { readonly before: Node } {
    return { before: this.#order[this.#next] };
  }

  /**
   * Puts the following copies behind this node of the graph that is copied to, if they are not yet: values that are compared are
   * computed one soon after the other, while caches hold them.
   */
  moveBehind(node: Node): void {
    this.#next = Math.max(this.#next, this.#order.indexOf(node) + 1);
  }

  /** @param inputOf gives the node that takes an input's place. */
  copy(node: Node, inputOf: (input: Node) => Node): Node {
    const { graph } = this.#into;
    return graph.insertingBefore(this.place.before, () =>
      node.op === 'get_attr'
        ? graph.getAttr(this.#pathOf(node.target), node.name)
        : graph.nodeCopy(node, inputOf),
    );
  }

  /** The path of the parameter there: the same if both have the same tensor. */
  #pathOf(target: string): string {
    const tensor = this.#from.attribute(target);
    const { attributes } = this.#into;
    const path =
      this.#paths.get(target) ??
      (attributes.get(target) === tensor ? target : this.#into.unusedAttribute(target));
    attributes.set(path, tensor);
    this.#paths.set(target, path);
    return path;
  }
}
