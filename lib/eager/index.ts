/**
 * Quantization of modules before they are captured, in the manner of PyTorch's eager mode (`torch.ao.quantization`): `octavo/eager`. It is
 * an entry of its own because its `quantizeDynamic` is PyTorch's, from a module to a module; that of `octavo` compiles a model at once.
 * @module octavo/eager
 */
export { type ConvertModuleOptions, convert, swapModule } from './convert.ts';
export { fuseModules, fuseModulesQat, type ModulesToFuse } from './fuse-modules.ts';
export type { InPlaceOptions } from './in-place.ts';
export {
  getDefaultDynamicQuantModuleMappings,
  getDefaultQatModuleMappings,
  getDefaultQconfigPropagationList,
  getDefaultStaticQuantModuleMappings,
  type ModuleMapping,
  type QuantizedModule,
} from './mappings.ts';
export { prepare, prepareQat } from './prepare.ts';
export { type ModuleClass, type ModuleKey, propagateQconfig, type QConfigSpec } from './propagate-qconfig.ts';
export { quantize, quantizeDynamic, quantizeQat } from './quantize.ts';
export { addQuantDequant, DeQuantStub, QuantStub, QuantWrapper } from './stubs.ts';
