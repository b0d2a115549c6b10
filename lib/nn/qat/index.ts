/** Layers for quantization aware training (counterpart: `torch.ao.nn.qat`, and `torch.ao.nn.intrinsic.qat`). */
export { Conv2d, ConvReLU2d, Linear, LinearReLU } from './layers.ts';
export type { Trainable } from './trainable.ts';
export {
  type BatchNorm,
  ConvBn1d,
  ConvBn2d,
  ConvBnReLU1d,
  ConvBnReLU2d,
  LayerWithBatchNorm,
  LinearBn1d,
} from './with-batch-norm.ts';
