import { bindCall } from './bind-to-schema.ts';
import { GET_ITEM, pickItem } from './get-item.ts';
import type { GraphModule } from './graph-module.ts';
import { modelLine } from './model-line.ts';
import { type Argument, type MetaValue, type Node, type TensorMeta, tensorMeta } from './node.ts';
import type { OperatorLibrary } from './operator.ts';
import type { SymbolRanges } from './symbol-range.ts';
import { SymInt } from './symbolic.ts';

/**
 * Dtype and shape of every node for the given inputs, without running anything (counterpart: FakeTensorProp). With
 * numeric input shapes every result is numeric, but for extents that values decide; the graph itself is not changed.
 * @throws Error that names the node whose shape rule rejected its inputs.
 */
export function propagateShapes(
  module: GraphModule,
  inputs: readonly TensorMeta[],
  library: OperatorLibrary,
): Map<Node, MetaValue> {
  const metas = new Map<Node, MetaValue>();
  let nextInput = 0;
  for (const node of module.graph.nodes) {
    if (node.op === 'output') break;
    if (node.op === 'placeholder') metas.set(node, inputs[nextInput++]);
    else if (node.op === 'get_attr') {
      const { dtype, shape } = module.attribute(node.target);
      metas.set(node, { dtype, shape });
    } else if (node.op === 'call_module') metas.set(node, metas.get(node.args[0] as Node)!);
    else
      metas.set(
        node,
        inferNode(library, node, (input) => metas.get(input)!, module.rangeConstraints),
      );
  }
  return metas;
}

/**
 * Dtype and shape of a call's result. `metaOf` returns what is known of the call's inputs; `ranges` bound the symbols
 * in their sizes.
 * @throws Error that names the node and the line of the model when the operator is not supported or rejects its
 * arguments.
 */
export function inferNode(
  library: OperatorLibrary,
  node: Node,
  metaOf: (input: Node) => MetaValue,
  ranges: SymbolRanges,
): MetaValue {
  if (node.target === GET_ITEM) return pickItem<TensorMeta>(node, metaOf(node.args[0] as Node));
  try {
    const meta = inferCall(library, node.target, node.args, node.kwargs, metaOf, ranges);
    return library.get(node.target).decidesExtent ? withOwnExtent(node, meta as TensorMeta) : meta;
  } catch (error) {
    throw new Error(`node '${node.name}' (${node.target}): ${(error as Error).message}${modelLine(node)}`, {
      cause: error,
    });
  }
}

/** What a node finds only when it is computed: an extent with a symbol of its own, as PyTorch's unbacked `u0`. */
function withOwnExtent(node: Node, { dtype, shape: [, ...row] }: TensorMeta): TensorMeta {
  const [known] = tensorMeta(node)?.shape ?? [];
  return { dtype, shape: [known instanceof SymInt ? known : new SymInt([`u_${node.name}`]), ...row] };
}

/**
 * Dtype and shape of an operator's result for these arguments. `metaOf` returns what is known of the nodes among them;
 * `ranges` bound the symbols in their sizes.
 * @throws Error when the operator is not supported or rejects its arguments.
 */
export function inferCall(
  library: OperatorLibrary,
  target: string,
  args: readonly Argument[],
  kwargs: Readonly<Record<string, Argument>>,
  metaOf: (node: Node) => MetaValue,
  ranges: SymbolRanges,
): MetaValue {
  const operator = library.get(target);
  return operator.infer(bindCall<TensorMeta>(operator.schema, args, kwargs, metaOf, ranges));
}
