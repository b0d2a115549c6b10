export { X86QuantizationAnnotation } from './annotation.ts';
export {
  type X86QuantizationConfigOptions,
  x86LinearDynamicFp16Config,
  x86QuantizationConfig,
} from './config.ts';
export type { SourceType } from './operators.ts';
export { X86Quantizer } from './quantizer.ts';
