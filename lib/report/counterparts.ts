import { QUANTIZE_PER_TENSOR } from '../aten/index.ts';
import { type GraphModule, Node } from '../graph/index.ts';

/**
 * By the name of a lowered node, the name of the node of the float model whose value it stands for. A node that only quantizes stands for what
 * it reads: inputs of the model have no numeric debug handle, but the same order in both.
 */
export function counterparts(reference: GraphModule, model: GraphModule): ReadonlyMap<string, string> {
  const byHandle = new Map<number, string>();
  for (const { meta, name } of reference.graph.nodes)
    if (meta.numericDebugHandle) byHandle.set(meta.numericDebugHandle.handle, name);
  const inputs = reference.graph.placeholders;
  const found = new Map(model.graph.placeholders.map((node, i) => [node.name, inputs[i].name]));
  for (const node of model.graph.nodes) {
    const handle = node.meta.numericDebugHandle?.handle;
    const [source] = node.args;
    const name =
      (handle !== undefined && byHandle.get(handle)) ||
      (node.target === QUANTIZE_PER_TENSOR && source instanceof Node && found.get(source.name));
    if (name) found.set(node.name, name);
  }
  return found;
}
