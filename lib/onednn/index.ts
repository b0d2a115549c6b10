/**
 * `octavo/onednn`: quantized convolutions and linears by hand, one call at a time, under PyTorch's names. Models are
 * better served by a compiled plan, which crosses into native code once for a whole network.
 * @module octavo/onednn
 */

export { type CpuFeatures, cpuFeatures } from '../cpu/features.ts';
export type { CpuModel, InstructionSets } from '../cpu/instruction-sets.ts';
export type { CpuCache, CpuTopology } from '../cpu/topology.ts';
export type { OneDnnVersion } from '../native/addon-types.ts';
export {
  type ConvolutionOptions,
  type QConvBinaryOptions,
  type QConvOptions,
  qconv1dPointwise,
  qconv2dPointwise,
  qconv2dPointwiseBinary,
} from './convolution.ts';
export {
  type QLinearBinaryOptions,
  type QLinearOptions,
  qlinearPointwise,
  qlinearPointwiseBinary,
} from './linear.ts';
export { type PackedWeight, qconvPrepack, qlinearPrepack } from './packed-weight.ts';
export type { QuantizedOptions } from './quantized-call.ts';
export type { UnaryPostOp } from './unary.ts';
