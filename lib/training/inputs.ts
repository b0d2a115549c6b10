import { operators } from '../aten/index.ts';
import { Graph, type GraphModule, type Node, propagateShapes, tensorMeta } from '../graph/index.ts';
import type { DType } from '../tensor/index.ts';

/**
 * A copy whose inputs stand before everything else, so that more of them can follow, and in which one node stands for each attribute:
 * exporters write tied weights twice.
 */
export function withInputsFirst(model: GraphModule): GraphModule {
  const copy = model.clone();
  const graph = new Graph();
  const copies = new Map<Node, Node>();
  const { nodes } = model.graph;
  const attributes = new Map<string, Node>();
  const copyOf = (node: Node): Node => {
    const known = node.op === 'get_attr' ? attributes.get(node.target) : undefined;
    const made = known ?? graph.nodeCopy(node, (input) => copies.get(input)!);
    if (node.op === 'get_attr') attributes.set(node.target, made);
    return made;
  };
  for (const isInput of [true, false])
    for (const node of nodes) if ((node.op === 'placeholder') === isInput) copies.set(node, copyOf(node));
  copy.graph = graph;
  return copy;
}

/**
 * Writes every node's dtype and shape for inputs of these shapes.
 * @throws Error for an input that does not exist, or whose sizes are not all known.
 */
export function fixSizes(module: GraphModule, shapes: Readonly<Record<string, readonly number[]>>): void {
  const { placeholders } = module.graph;
  const names = placeholders.map(({ target }) => target);
  for (const name of Object.keys(shapes))
    if (!names.includes(name))
      throw new Error(`training: shapes names '${name}', but the model's inputs are ${names.join(', ')}`);
  const inputs = placeholders.map((node) => {
    const { dtype, shape } = tensorMeta(node)!;
    const given = shapes[node.target] ?? shape;
    if (given.every((extent) => typeof extent === 'number')) return { dtype, shape: given };
    throw new Error(
      `training: the input '${node.target}' is [${shape.join(', ')}]; give its sizes: shapes: { ${node.target}: […] }`,
    );
  });
  for (const [node, val] of propagateShapes(module, inputs, operators)) node.meta = { ...node.meta, val };
  module.rangeConstraints.clear();
}

/** Adds an input; the graph's insertion point says where. */
export function placeholder(
  graph: GraphModule['graph'],
  name: string,
  { dtype, shape }: { readonly dtype: DType; readonly shape: readonly number[] },
): Node {
  const node = graph.placeholder(name);
  node.meta = { val: { dtype, shape } };
  return node;
}
