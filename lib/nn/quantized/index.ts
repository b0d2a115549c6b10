/** Modules of quantized values (counterpart: `torch.ao.nn.quantized`, and `torch.ao.nn.intrinsic.quantized`). */
export { Conv1d, Conv2d, type ConvOwner, ConvReLU1d, ConvReLU2d } from './conv.ts';
export * as dynamic from './dynamic/index.ts';
export { Embedding } from './embedding.ts';
export type { LayerOwner, Owner, QuantizedWeight } from './from-float.ts';
export { FloatFunctional, QFunctional } from './functional-modules.ts';
export { Linear, LinearReLU } from './linear.ts';
export type { QuantizedOutput } from './output.ts';
export { DeQuantize, Quantize } from './quantize.ts';
export { Dropout, ReLU6 } from './same-scale.ts';
export { type Qparams, type QuantizedActivation, QuantizedValue } from './value.ts';
export { BatchNorm2d, BNReLU2d, Hardswish, LayerNorm, LeakyReLU } from './wrapped.ts';
