export { convertFx, convertToReferenceFx } from './convert.ts';
export { PrepareCustomConfig } from './custom-config.ts';
export { getDefaultQatQconfigMapping, getDefaultQconfigMapping } from './default-mappings.ts';
export {
  type FxExampleInputs,
  type FxModel,
  fuseFx,
  type PrepareFxOptions,
  prepareFx,
  prepareQatFx,
} from './prepare.ts';
export { type QConfigAny, QConfigMapping } from './qconfig-mapping.ts';
