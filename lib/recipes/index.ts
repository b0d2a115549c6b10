export {
  type CalibrationBatches,
  convertStatic,
  prepareStatic,
  type RecipeOptions,
  type SmoothQuantRecipe,
} from './convert.ts';
export type { ModelSource, ModuleWithInputs } from './model-source.ts';
export type { QuantizationOverrides } from './overrides.ts';
export {
  type QuantizeOptions,
  type QuantizeStaticOptions,
  quantizeDynamic,
  quantizeStatic,
} from './quantize.ts';
