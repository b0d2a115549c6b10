export { X86QuantizationAnnotation } from './annotation.ts';
export {
  getDefaultX86QuantizationConfig,
  type X86QuantizationConfigOptions,
  x86LinearDynamicFp16Config,
} from './config.ts';
export type { SourceType } from './operators.ts';
export { X86Quantizer } from './quantizer.ts';
