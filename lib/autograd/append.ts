import { attributeNode, type GraphModule, type Node } from '../graph/index.ts';
import type { Tensor } from '../tensor/index.ts';

/**
 * Copies a graph behind another one, whose values it reads. A tensor that both have is the same: a loss may read parameters.
 * @param inputs the nodes that stand for the appended graph's inputs, in their order.
 * @param paths where tensors stand in the graph that is appended to.
 * @returns its outputs as nodes of `module`.
 */
export function appendGraph(
  module: GraphModule,
  appended: GraphModule,
  inputs: readonly Node[],
  paths: ReadonlyMap<Tensor, string> = new Map(),
): Node[] {
  const { graph } = module;
  const copies = new Map(appended.graph.placeholders.map((placeholder, i) => [placeholder, inputs[i]]));
  const copyOf = (node: Node) => copies.get(node)!;
  const ownNode = ({ target }: Node) => {
    const path = paths.get(appended.attribute(target));
    return path === undefined ? undefined : attributeNode(graph, path);
  };
  return graph.insertingBefore(graph.outputNode, () => {
    for (const node of appended.graph.nodes) {
      if (node.op === 'placeholder') continue;
      if (node.op === 'output') break;
      const known = node.op === 'get_attr' ? ownNode(node) : undefined;
      if (known) copies.set(node, known);
      else if (node.op === 'get_attr') {
        const path = module.unusedAttribute(node.target);
        module.attributes.set(path, appended.attribute(node.target));
        const copy = graph.getAttr(path);
        copy.meta = { ...node.meta };
        copies.set(node, copy);
      } else copies.set(node, graph.nodeCopy(node, copyOf));
    }
    const [returned] = appended.graph.outputNode.args;
    return (Array.isArray(returned) ? returned : [returned]).map((value) => copyOf(value as Node));
  });
}
