import type { GraphModule, Node } from '../graph/index.ts';

/** Copies nodes of one graph to the end of another, with the parameters they read. */
export class GraphCopier {
  readonly #into: GraphModule;
  readonly #from: GraphModule;
  readonly #paths = new Map<string, string>();

  constructor(into: GraphModule, from: GraphModule) {
    this.#into = into;
    this.#from = from;
  }

  /** @param inputOf gives the node that takes an input's place. */
  copy(node: Node, inputOf: (input: Node) => Node): Node {
    const { graph } = this.#into;
    return graph.insertingBefore(graph.outputNode, () =>
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
