/**
 * `octavo/nn`: models in the manner of `torch.nn`.
 * @module octavo/nn
 */
export {
  GELU,
  Hardsigmoid,
  Hardswish,
  Hardtanh,
  LeakyReLU,
  ReLU,
  ReLU6,
  Sigmoid,
  SiLU,
  Softmax,
  Tanh,
} from './activation.ts';
export { ModuleList, Sequential } from './containers.ts';
export { Conv1d, Conv2d, type ConvModuleOptions } from './conv.ts';
export { deepcopy } from './deepcopy.ts';
export type { OperatorArgument, OperatorCall, Scope, Value, ValueWithOperators } from './dispatcher.ts';
export { Dropout } from './dropout.ts';
export { Flatten } from './flatten.ts';
export * as functional from './functional/index.ts';
export { Generator, manualSeed } from './generator.ts';
export * as init from './init.ts';
export * as intrinsic from './intrinsic/index.ts';
export { Embedding, Identity, Linear } from './linear.ts';
export {
  type ActivationPostProcess,
  Buffer,
  Module,
  type ModuleQConfig,
  type Named,
  Parameter,
} from './module.ts';
export {
  BatchNorm1d,
  BatchNorm2d,
  type BatchNormOptions,
  LayerNorm,
  type LayerNormOptions,
} from './normalization.ts';
export {
  AdaptiveAvgPool2d,
  AvgPool2d,
  type AvgPool2dOptions,
  MaxPool2d,
  type MaxPool2dOptions,
} from './pooling.ts';
export * as qat from './qat/index.ts';
export * as quantized from './quantized/index.ts';
export {
  GRU,
  LSTM,
  type LSTMOptions,
  type RecurrentNetworkOptions,
  RNN,
  type RNNOptions,
} from './recurrent.ts';
export {
  GRUCell,
  LSTMCell,
  type RecurrentCellOptions,
  RNNCell,
  type RNNCellOptions,
} from './recurrent-cells.ts';
