/**
 * Operators as functions (counterpart: `torch.nn.functional` and the methods of `torch.Tensor`). They accept and return
 * values: tensors are computed immediately; calls are recorded while a model is exported.
 *
 * They mirror PyTorch argument by argument, with defaults left out where PyTorch's tracer leaves them out, because an export
 * has to be PyTorch's own graph, node for node: tests compare the printed graphs of nine torchvision networks and three small
 * ones with PyTorch's, and quantizers match patterns on them. A recurrent layer is one operator of
 * Octavo's, as the `.pt2` reader reads them.
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
export {
  type CrossEntropyOptions,
  crossEntropy,
  distillationLoss,
  logSoftmax,
  mseLoss,
  type Reduction,
} from './losses.ts';
export { adaptiveAvgPool2d, avgPool2d, maxPool2d, type PoolOptions } from './pooling.ts';
export {
  gruLayer,
  lstmLayer,
  type RecurrentOptions,
  type RecurrentWeights,
  rnnLayer,
} from './recurrent.ts';
export {
  cat,
  chunk,
  flatten,
  pad,
  permute,
  reshape,
  select,
  squeeze,
  to,
  transpose,
  unsqueeze,
  view,
} from './shape.ts';
