import { addon } from '../native/addon.ts';
import type { NativeConstant } from '../native/addon-types.ts';
import { type ForeignTensor, Tensor } from '../tensor/index.ts';

/**
 * A quantized weight held natively, ready for the `q…Pointwise` functions. It is copied once, when it is made, and put
 * into the layout that the CPU's kernels want once for each problem that asks for another one. Its memory is released
 * when the object is garbage collected.
 */
export class PackedWeight {
  /** What it was packed for. */
  readonly kind: 'convolution' | 'linear';
  /** The weight's shape: `[O, I/groups, (KH,) KW]` for a convolution, `[out, in]` for a linear. */
  readonly shape: readonly number[];
  /** One scale, or one for each output channel. */
  readonly scales: Float32Array;
  /** @internal */
  readonly constant: NativeConstant;

  /** @internal Made by {@link qconvPrepack} and {@link qlinearPrepack}. */
  constructor(kind: PackedWeight['kind'], weight: Tensor, scales: Float32Array) {
    this.kind = kind;
    this.shape = weight.shape;
    this.scales = scales;
    this.constant = addon.createConstant(weight.dtype, weight.shape, weight.data);
  }
}

function pack(
  where: string,
  kind: PackedWeight['kind'],
  ranks: readonly number[],
  weight: Tensor | ForeignTensor,
  scales: Tensor | ForeignTensor | ArrayLike<number> | number,
): PackedWeight {
  const tensor = Tensor.accept(weight, `${where}: weight`);
  const described = `${tensor.dtype} [${tensor.shape.join(', ')}]`;
  if (tensor.dtype !== 'int8') throw new Error(`${where}: weight must be int8, got ${described}`);
  if (!ranks.includes(tensor.shape.length) || tensor.numel === 0)
    throw new Error(
      `${where}: weight must have ${ranks.join(' or ')} non-empty dimensions, got ${described}`,
    );
  const values = readScales(where, scales);
  if (values.length !== 1 && values.length !== tensor.shape[0])
    throw new Error(
      `${where}: wScale must hold 1 scale or ${tensor.shape[0]}, one for each output channel; got ${values.length}`,
    );
  const bad = values.findIndex((value) => !(value > 0 && Number.isFinite(value)));
  if (bad >= 0) throw new Error(`${where}: wScale[${bad}] must be finite and positive, got ${values[bad]}`);
  return new PackedWeight(kind, tensor, values);
}

function readScales(
  where: string,
  scales: Tensor | ForeignTensor | ArrayLike<number> | number,
): Float32Array {
  if (typeof scales === 'number') return Float32Array.of(scales);
  if (Array.isArray(scales) || ArrayBuffer.isView(scales))
    return Float32Array.from(scales as ArrayLike<number>);
  const tensor = Tensor.accept(scales as Tensor | ForeignTensor, `${where}: wScale`);
  if (tensor.dtype !== 'float32' && tensor.dtype !== 'float64')
    throw new Error(`${where}: wScale must be float32 or float64, got ${tensor.dtype}`);
  return Float32Array.from(tensor.data as Float32Array);
}

/**
 * Takes over the weight of a quantized convolution (`torch.ops.onednn.qconv_prepack`).
 *
 * @param weight int8, `[O, I/groups, KW]` or `[O, I/groups, KH, KW]`, quantized symmetrically (zero point 0).
 * @param wScale float scale of one weight step: one for all, or one for each of the O output channels.
 * @throws Error when dtype, shape or scales do not fit.
 */
export function qconvPrepack(
  weight: Tensor | ForeignTensor,
  wScale: Tensor | ForeignTensor | ArrayLike<number> | number,
): PackedWeight {
  return pack('qconvPrepack', 'convolution', [3, 4], weight, wScale);
}

/**
 * Takes over the weight of a quantized linear layer (`torch.ops.onednn.qlinear_prepack`, which wants it transposed).
 *
 * @param weight int8, `[out, in]` as `torch.nn.Linear` has it, quantized symmetrically (zero point 0).
 * @param wScale float scale of one weight step: one for all, or one for each of the `out` output features.
 * @throws Error when dtype, shape or scales do not fit.
 */
export function qlinearPrepack(
  weight: Tensor | ForeignTensor,
  wScale: Tensor | ForeignTensor | ArrayLike<number> | number,
): PackedWeight {
  return pack('qlinearPrepack', 'linear', [2], weight, wScale);
}
