import { type GraphModule, tensorMeta } from '../../graph/index.ts';
import { type DType, isFloatingPoint } from '../../tensor/index.ts';

const arithmetic: ReadonlySet<string> = new Set([
  ...['add', 'sub', 'mul', 'div'].flatMap((name) => [`aten.${name}.Tensor`, `aten.${name}_.Tensor`]),
  ...['aten.maximum.default', 'aten.minimum.default'],
]);

/** Steps read the other integer types directly. */
const cast: ReadonlySet<DType> = new Set(['int64', 'bool']);

/**
 * Makes PyTorch's type promotion explicit where float arithmetic has int64 or bool operands: it casts them, as PyTorch
 * does inside the operator. A 0-dimensional tensor needs no cast.
 *
 *     add(x float32, offsets int64)   ⇒   add(x, to(offsets, float32))
 */
export function promoteTypes({ graph }: GraphModule): void {
  for (const node of graph.nodes) {
    const result = tensorMeta(node);
    if (!arithmetic.has(node.target) || !result || !isFloatingPoint(result.dtype)) continue;
    for (const operand of node.allInputNodes) {
      const meta = tensorMeta(operand);
      if (!meta || meta.shape.length === 0 || !cast.has(meta.dtype)) continue;
      const { dtype } = result;
      const float = graph.insertingBefore(node, () => graph.callFunction('aten.to.dtype', [operand, dtype]));
      float.meta = { ...node.meta, val: { dtype, shape: meta.shape } };
      node.replaceInputWith(operand, float);
    }
  }
}
