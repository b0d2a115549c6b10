export {
  type CalibrationBatches,
  convertStatic,
  prepareStatic,
  type RecipeOptions,
  type SmoothQuantRecipe,
  staticQuantizer,
} from './convert.ts';
export { captured, type ModelSource, type ModuleWithInputs } from './model-source.ts';
export type { QuantizationOverrides } from './overrides.ts';
export {
  type QuantizeOptions,
  type QuantizeStaticOptions,
  quantizeDynamic,
  quantizeStatic,
} from './quantize.ts';
