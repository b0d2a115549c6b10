/**
 * Operators as functions (counterpart: `torch.nn.functional` and the methods of `torch.Tensor`). They accept and return
 * values: tensors are computed immediately; calls are recorded while a model is exported.
 */
export {
  gelu,
  hardsigmoid,
  hardswish,
  hardtanh,
  leakyRelu,
  relu,
  relu6,
  sigmoid,
  silu,
  softmax,
  tanh,
} from './activation.ts';
export type { InPlace, Pair } from './arguments.ts';
export { add, clamp, div, matmul, mean, mul, sub, sum } from './arithmetic.ts';
export {
  type BatchNormArguments,
  batchNorm,
  type ConvOptions,
  conv1d,
  conv2d,
  dropout,
  embedding,
  layerNorm,
  linear,
  scaledDotProductAttention,
} from './layers.ts';
export { adaptiveAvgPool2d, avgPool2d, maxPool2d, type PoolOptions } from './pooling.ts';
export {
  cat,
  chunk,
  flatten,
  pad,
  permute,
  reshape,
  squeeze,
  to,
  transpose,
  unsqueeze,
  view,
} from './shape.ts';
