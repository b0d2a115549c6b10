import { type Argument, type GraphModule, Node, type TensorMeta, tensorMeta } from '../../graph/index.ts';
import { type DType, isFloatingPoint } from '../../tensor/index.ts';

const arithmetic: ReadonlySet<string> = new Set([
  ...['add', 'sub', 'mul', 'div'].flatMap((name) => [`aten.${name}.Tensor`, `aten.${name}_.Tensor`]),
  ...['aten.maximum.default', 'aten.minimum.default'],
]);

/** Steps read the other integers as they are. */
const cast: ReadonlySet<DType> = new Set(['int64', 'bool']);

/** Operators that make tensors, of the dtype of a number unless another one is named. */
const making = /^aten\.(full|arange)\./;

/**
 * Writes out PyTorch's type promotion where it is inside of an operator:
 *
 * - Arithmetic of floats meets int64 or bool: they are cast first. A number without dimensions needs no cast.
 * - A number that Python holds as a float makes floats of integers. Here `1.0` is as whole as `1`, so that the integers
 *   are cast, or the dtype of a new tensor is named.
 *
 *     add(x float32, offsets int64)   ⇒   add(x, to(offsets, float32))
 *     mul(ids int64, 2.0)             ⇒   mul(to(ids, float32), 2.0)
 *     full([2, 3], 1.0)               ⇒   full([2, 3], 1.0, dtype=float32)
 */
export function promoteTypes(module: GraphModule): void {
  for (const node of module.graph.nodes) {
    const result = tensorMeta(node);
    if (!result || !isFloatingPoint(result.dtype)) continue;
    const { dtype } = result;
    if (arithmetic.has(node.target))
      castOperands(module, node, dtype, (operand) => operand.shape.length > 0 && cast.has(operand.dtype));
    if (!node.meta.floatArguments || isAmongFloats(node)) continue;
    if (making.test(node.target))
      node.setArguments(node.args, { ...node.kwargs, dtype: node.kwargs.dtype ?? dtype });
    else
      castOperands(
        module,
        node,
        dtype,
        (operand) => operand.dtype !== 'bool' || !node.target.includes('where'),
      );
  }
}

const isAmongFloats = (node: Node): boolean =>
  node.allInputNodes.some((input) => isFloatingPoint(tensorMeta(input)?.dtype ?? 'bool'));

/** Casts those tensors among a call's operands that are `wanted` in the dtype. */
function castOperands(
  { graph }: GraphModule,
  node: Node,
  dtype: DType,
  wanted: (operand: TensorMeta) => boolean,
): void {
  for (const operand of node.args.filter((arg: Argument) => arg instanceof Node)) {
    const meta = tensorMeta(operand);
    if (!meta || !wanted(meta)) continue;
    const float = graph.insertingBefore(node, () => graph.callFunction('aten.to.dtype', [operand, dtype]));
    float.meta = { ...node.meta, val: { dtype, shape: meta.shape } };
    node.replaceInputWith(operand, float);
  }
}
