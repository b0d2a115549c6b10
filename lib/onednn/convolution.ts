import type { ForeignTensor, Tensor } from '../tensor/index.ts';
import { windowCount } from './geometry.ts';
import type { PackedWeight } from './packed-weight.ts';
import {
  type Addition,
  acceptActivation,
  acceptOptions,
  acceptWeight,
  namedIn,
  type QuantizedOptions,
  runQuantized,
} from './quantized-call.ts';

/** How the kernel slides. A number stands for all spatial dimensions; lists hold one number for each. */
export interface ConvolutionOptions {
  /** @defaultValue 1 */
  readonly stride?: number | readonly number[];
  /** Elements of real value 0 before the first one, and after the last one too. @defaultValue 0 */
  readonly padding?: number | readonly number[];
  /** Elements of real value 0 after the last one, where that differs. @defaultValue `padding` */
  readonly paddingEnd?: number | readonly number[];
  /** Distance of the kernel's taps. @defaultValue 1 */
  readonly dilation?: number | readonly number[];
  /** Blocks of channels that are convolved apart; as many as channels: depthwise. @defaultValue 1 */
  readonly groups?: number;
}

/** Arguments of {@link qconv1dPointwise} and {@link qconv2dPointwise}. */
export interface QConvOptions extends QuantizedOptions, ConvolutionOptions {}

/** Arguments of {@link qconv2dPointwiseBinary}. */
export interface QConvBinaryOptions extends QConvOptions {
  /** Scale of a uint8 or int8 `qaccum`; leave it out for float32 and bfloat16. @defaultValue 1 */
  readonly accumScale?: number;
  /** Zero point of a uint8 or int8 `qaccum`. @defaultValue 0 */
  readonly accumZeroPoint?: number;
}

function perDimension(
  name: string,
  value: number | readonly number[],
  count: number,
  minimum: number,
): readonly number[] {
  const list = typeof value === 'number' ? Array<number>(count).fill(value) : value;
  if (!Array.isArray(list) || list.length !== count)
    throw new Error(`${name} must be a number or a list of ${count}, got ${JSON.stringify(value)}`);
  if (!list.every((item) => Number.isSafeInteger(item) && item >= minimum))
    throw new Error(`${name} must hold integers of at least ${minimum}, got [${list.join(', ')}]`);
  return list;
}

function readGeometry(options: ConvolutionOptions, spatial: number) {
  const { stride = 1, padding = 0, dilation = 1, groups = 1, paddingEnd = padding } = options;
  if (!Number.isSafeInteger(groups) || groups < 1)
    throw new Error(`groups must be a positive integer, got ${groups}`);
  return {
    stride: perDimension('stride', stride, spatial, 1),
    padding: perDimension('padding', padding, spatial, 0),
    paddingEnd: perDimension('paddingEnd', paddingEnd, spatial, 0),
    dilation: perDimension('dilation', dilation, spatial, 1),
    groups,
  };
}

function convolve(
  where: string,
  spatial: 1 | 2,
  qx: Tensor | ForeignTensor,
  weight: PackedWeight,
  options: QConvOptions,
  addition?: Addition,
): Tensor {
  acceptOptions(where, options);
  const layout = spatial === 1 ? '[N, C, L]' : '[N, C, H, W]';
  const x = acceptActivation(where, qx, (rank) => rank === spatial + 2, layout);
  acceptWeight(where, weight, 'convolution', spatial + 2);
  const geometry = namedIn(where, () => readGeometry(options, spatial));
  const outputShape = namedIn(where, () => [
    x.shape[0],
    weight.shape[0],
    ...Array.from({ length: spatial }, (_, i) =>
      windowCount(x.shape[2 + i], {
        kernel: weight.shape[2 + i],
        stride: geometry.stride[i],
        padding: geometry.padding[i],
        paddingEnd: geometry.paddingEnd[i],
        dilation: geometry.dilation[i],
      }),
    ),
  ]);
  return runQuantized({ where, op: 'convolution', x, weight, outputShape, geometry, options, addition });
}

/**
 * Quantized convolution of signals (`torch.ops.onednn.qconv1d_pointwise`): the convolution of
 * `(qx - xZeroPoint) * xScale` with `weight * wScale`, plus bias, through `unary`, then quantized to `outputDtype` with
 * `outputScale` and `outputZeroPoint` (rounded to nearest, ties to even, clamped) or left as float32 or bfloat16.
 *
 * @param qx uint8 or int8, `[N, C, L]`.
 * @param weight from {@link qconvPrepack}, `[O, C/groups, K]`.
 * @returns `[N, O, L']`.
 * @throws Error that names the argument which does not fit.
 */
export function qconv1dPointwise(
  qx: Tensor | ForeignTensor,
  weight: PackedWeight,
  options: QConvOptions,
): Tensor {
  return convolve('qconv1dPointwise', 1, qx, weight, options);
}

/**
 * Quantized convolution of images (`torch.ops.onednn.qconv2d_pointwise`); as {@link qconv1dPointwise}.
 *
 * @param qx uint8 or int8, `[N, C, H, W]`.
 * @param weight from {@link qconvPrepack}, `[O, C/groups, KH, KW]`.
 * @returns `[N, O, H', W']`.
 * @throws Error that names the argument which does not fit.
 */
export function qconv2dPointwise(
  qx: Tensor | ForeignTensor,
  weight: PackedWeight,
  options: QConvOptions,
): Tensor {
  return convolve('qconv2dPointwise', 2, qx, weight, options);
}

/**
 * Quantized convolution of images, plus another tensor (`torch.ops.onednn.qconv2d_pointwise.binary` with
 * `binary_attr='sum'`): `(qaccum - accumZeroPoint) * accumScale` is added before `unary`. Unlike PyTorch's, it leaves
 * `qaccum` as it was.
 *
 * @param qx uint8 or int8, `[N, C, H, W]`.
 * @param weight from {@link qconvPrepack}, `[O, C/groups, KH, KW]`.
 * @param qaccum uint8, int8, float32 or bfloat16, of the result's shape.
 * @returns `[N, O, H', W']`.
 * @throws Error that names the argument which does not fit.
 */
export function qconv2dPointwiseBinary(
  qx: Tensor | ForeignTensor,
  weight: PackedWeight,
  qaccum: Tensor | ForeignTensor,
  options: QConvBinaryOptions,
): Tensor {
  const { accumScale: scale = 1, accumZeroPoint: zeroPoint = 0 } = acceptOptions(
    'qconv2dPointwiseBinary',
    options,
  );
  const addition = { name: 'qaccum', tensor: qaccum, scale, zeroPoint };
  return convolve('qconv2dPointwiseBinary', 2, qx, weight, options, addition);
}
