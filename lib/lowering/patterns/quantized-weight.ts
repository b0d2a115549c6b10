import { DEQUANTIZE_PER_CHANNEL } from '../../aten/index.ts';
import { integerProducts } from '../../backend/index.ts';
import { type Argument, isCall, type Node } from '../../graph/index.ts';
import { Tensor } from '../../tensor/index.ts';
import type { PassContext } from '../pass.ts';
import { isDequantize, qparamsOf } from './affine-parameters.ts';

/** An int8 weight with its scales (one, or one per output channel) and zero points, as nodes. */
export interface QuantizedWeight {
  readonly weight: Node;
  readonly scales: Node;
  readonly zeroPoints: Node;
}

/**
 * The int8 weight that `node` dequantizes, in the form that oneDNN supports: symmetric, with scales per tensor or per
 * output channel.
 * @returns the reason, as a sentence, if it is not in that form.
 */
export function quantizedWeight(context: PassContext, node: Argument): QuantizedWeight | string {
  if (isDequantize(node)) {
    const { scale, zeroPoint, dtype } = qparamsOf(node);
    if (dtype !== integerProducts.weight || zeroPoint !== 0)
      return `its weight is not symmetric ${integerProducts.weight}`;
    const weight = node.args[0] as Node;
    const name = weight.op === 'get_attr' ? weight.target : weight.name;
    return {
      weight,
      scales: context.constant(`${name}_scale`, Tensor.from('float32', [scale]), { before: node }),
      zeroPoints: context.constant(`${name}_zero_point`, Tensor.from('int64', [0]), { before: node }),
    };
  }
  if (!isCall(node, DEQUANTIZE_PER_CHANNEL)) return 'its weight is not quantized';
  const [weight, scales, zeroPoints, axis, , , dtype] = node.args as readonly [
    Node,
    Node,
    Node,
    ...unknown[],
  ];
  if (axis !== 0) return `its weight's scales run along axis ${axis}, not along the output channels`;
  if (dtype !== integerProducts.weight) return `its weight is ${dtype}, not ${integerProducts.weight}`;
  const values = context.constantValue(zeroPoints);
  if (!values) return "its weight's zero points are computed";
  if (values.toArray().some((value) => value !== 0)) return 'its weight is not symmetric';
  return { weight, scales, zeroPoints };
}
