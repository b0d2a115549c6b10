import { GraphModule, isTensorMeta, type Node, type NumericDebugHandle } from '../graph/index.ts';

/**
 * Numbers the nodes of a captured model, in place (counterpart: `generate_numeric_debug_handle` of `torch.ao.quantization`), so that what
 * is made of it can be compared with it node by node. Every operator gets a handle; inputs, parameters and the output have none. A handle
 * stays with the value, through `clone`, `preparePt2e`, `prepareQatPt2e`, `convertPt2e`, `lower`, and saving:
 *
 * - a convolution into which a batch norm was folded has the batch norm's handle, for that is what it gives (PyTorch leaves it its own);
 * - a fused operator has that of the last operator it computes;
 * - integers stand for what was quantized.
 *
 * Handles that are there already stay, and others go on from the largest.
 *
 * @example
 * const captured = await loadPt2('model.pt2');
 * generateNumericDebugHandle(captured);
 * const prepared = preparePt2e(captured, quantizer);
 *
 * @throws Error when `module` is no graph module.
 */
export function generateNumericDebugHandle(module: GraphModule): void {
  const { nodes } = GraphModule.accept(module, 'generateNumericDebugHandle').graph;
  let last = nodes.reduce((max, { meta }) => Math.max(max, meta.numericDebugHandle?.handle ?? 0), 0);
  for (const { op, meta } of nodes)
    if (op === 'call_function') meta.numericDebugHandle ??= { handle: ++last };
}

/**
 * By handle, the node that gives the value, in the order of the graph: of several the last, as in PyTorch. That is the dequantize node
 * where a tensor is quantized.
 * @throws Error when no node has a handle.
 */
export function nodesByHandle({ graph }: GraphModule, where: string): ReadonlyMap<number, Node> {
  const found = new Map<number, Node>();
  for (const node of graph.nodes) {
    const handle = handleOf(node)?.handle;
    if (handle !== undefined) found.set(handle, node);
  }
  if (found.size === 0)
    throw new Error(
      `${where}: no node has a numeric debug handle; call generateNumericDebugHandle on the captured model, before it is prepared`,
    );
  return found;
}

/** The handle of a node that gives a tensor; that of sizes and of several results is undefined. `convertPt2e` does not say what its nodes give. */
export const handleOf = ({ meta: { numericDebugHandle, val } }: Node): NumericDebugHandle | undefined =>
  val === undefined || isTensorMeta(val) ? numericDebugHandle : undefined;

/** The path of the module that a node comes from: `layer1.0.conv1`; empty where it is the model itself, or unknown. */
export const modulePathOf = ({ meta }: Node): string => meta.nnModuleStack?.at(-1)?.path ?? '';
