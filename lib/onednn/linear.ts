import type { ForeignTensor, Tensor } from '../tensor/index.ts';
import type { PackedWeight } from './packed-weight.ts';
import {
  type Addition,
  acceptActivation,
  acceptOptions,
  acceptWeight,
  type QuantizedOptions,
  runQuantized,
} from './quantized-call.ts';

/** Arguments of {@link qlinearPointwise}. */
export type QLinearOptions = QuantizedOptions;

/** Arguments of {@link qlinearPointwiseBinary}. */
export interface QLinearBinaryOptions extends QLinearOptions {
  /** Scale of a uint8 or int8 `other`; leave it out for float32 and bfloat16. @defaultValue 1 */
  readonly otherScale?: number;
  /** Zero point of a uint8 or int8 `other`. @defaultValue 0 */
  readonly otherZeroPoint?: number;
}

function multiply(
  where: string,
  qx: Tensor | ForeignTensor,
  weight: PackedWeight,
  options: QLinearOptions,
  addition?: Addition,
): Tensor {
  acceptOptions(where, options);
  const x = acceptActivation(where, qx, (rank) => rank > 0, '[..., in]');
  acceptWeight(where, weight, 'linear', 2);
  const [out, inner] = weight.shape;
  if (x.shape.at(-1) !== inner)
    throw new Error(`${where}: qx [${x.shape.join(', ')}] must end in ${inner}, as the weight's rows do`);
  const outputShape = [...x.shape.slice(0, -1), out];
  return runQuantized({ where, op: 'linear', x, weight, outputShape, geometry: {}, options, addition });
}

/**
 * Quantized linear layer (`torch.ops.onednn.qlinear_pointwise`): `(qx - xZeroPoint) * xScale` times the transposed
 * `weight * wScale`, plus bias, through `unary`, then quantized to `outputDtype` with `outputScale` and
 * `outputZeroPoint` (rounded to nearest, ties to even, clamped) or left as float32 or bfloat16.
 *
 * @param qx uint8 or int8, `[..., in]`.
 * @param weight from {@link qlinearPrepack}, `[out, in]`.
 * @returns `[..., out]`.
 * @throws Error that names the argument which does not fit.
 */
export function qlinearPointwise(
  qx: Tensor | ForeignTensor,
  weight: PackedWeight,
  options: QLinearOptions,
): Tensor {
  return multiply('qlinearPointwise', qx, weight, options);
}

/**
 * Quantized linear layer, plus another tensor (`torch.ops.onednn.qlinear_pointwise.binary` with
 * `binary_post_op='sum'`): `(other - otherZeroPoint) * otherScale` is added before `unary`. Unlike PyTorch's, it leaves
 * `other` as it was.
 *
 * @param qx uint8 or int8, `[..., in]`.
 * @param weight from {@link qlinearPrepack}, `[out, in]`.
 * @param other uint8, int8, float32 or bfloat16, of the result's shape.
 * @returns `[..., out]`.
 * @throws Error that names the argument which does not fit.
 */
export function qlinearPointwiseBinary(
  qx: Tensor | ForeignTensor,
  weight: PackedWeight,
  other: Tensor | ForeignTensor,
  options: QLinearBinaryOptions,
): Tensor {
  const { otherScale: scale = 1, otherZeroPoint: zeroPoint = 0 } = acceptOptions(
    'qlinearPointwiseBinary',
    options,
  );
  const addition = { name: 'other', tensor: other, scale, zeroPoint };
  return multiply('qlinearPointwiseBinary', qx, weight, options, addition);
}
