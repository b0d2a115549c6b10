import { BackendConfig, getNativeBackendConfig } from '../backend/index.ts';
import { type ExampleInput, type ExportOptions, exportModel } from '../capture/index.ts';
import { GraphModule } from '../graph/index.ts';
import { Module } from '../nn/index.ts';
import { checkOptions, type OptionNames } from '../options.ts';
import { foldBatchNorms } from '../quantization/prepare/fold-batch-norm.ts';
import { prepare } from '../quantization/prepare/prepare.ts';
import { qatPreparation } from '../quantization/qat/prepare-qat.ts';
import { GraphEditor } from '../transforms/editor.ts';
import { refuseTrainingMode } from '../transforms/training-mode.ts';
import { PrepareCustomConfig } from './custom-config.ts';
import { QConfigMapping } from './qconfig-mapping.ts';
import { FxQuantizer } from './quantizer.ts';

/** Options of {@link prepareFx} and {@link prepareQatFx}, and those of `exportModel`, for a module that is captured. */
export interface PrepareFxOptions extends ExportOptions {
  /** What is quantized; default {@link getNativeBackendConfig}. */
  readonly backendConfig?: BackendConfig;
  readonly prepareCustomConfig?: PrepareCustomConfig;
}

const optionNames: OptionNames<PrepareFxOptions> = {
  backendConfig: true,
  prepareCustomConfig: true,
  dynamicBatch: 'boolean',
  dynamicShapes: true,
};

/** A model to be captured by the shapes and dtypes of its inputs, or captured already: from a `.pt2` or an ONNX file, say. */
export type FxModel = Module | GraphModule;

/** Inputs of a module, by name, in the order of `forward`'s parameters; for a captured model `{}`. */
export type FxExampleInputs = Readonly<Record<string, ExampleInput>>;

/**
 * Prepares a float model for quantization after training as FX graph mode does (counterpart:
 * `torch.ao.quantization.quantize_fx.prepare_fx`): captures it, folds batch norms, and inserts observers where the mapping and the backend
 * say. Then `calibrate`, unless nothing but dynamic quantization is wanted, and `convertFx`. The observers stand where those of PyTorch 2.6
 * do, and become the same scales and zero points.
 *
 * @example
 * const prepared = prepareFx(model.eval(), getDefaultQconfigMapping('x86'), { x: { dtype: 'float32', shape: [1, 3, 224, 224] } });
 * await calibrate(prepared, batches);
 * const compiled = compile(convertFx(prepared));
 * @throws Error when the model cannot be captured, is prepared already or in training mode, or an option is unknown; or when types that
 * are fused are configured differently.
 */
export function prepareFx(
  model: FxModel,
  qconfigMapping: QConfigMapping,
  exampleInputs: FxExampleInputs,
  options: PrepareFxOptions = {},
): GraphModule {
  const { module, quantizer } = begin('prepareFx', model, qconfigMapping, exampleInputs, options);
  refuseTrainingMode(module, 'prepareFx');
  const how = { name: 'prepareFx', isQat: false, beforeAnnotation: foldBatchNorms };
  return marked(prepare(module, quantizer, how));
}

/**
 * Prepares a model in training mode for quantization aware training (counterpart: `torch.ao.quantization.quantize_fx.prepare_qat_fx`), with
 * fake quantizers where {@link prepareFx} has observers. Train it with `octavo/training`, then `convertFx`.
 *
 * @example
 * const prepared = prepareQatFx(model.train(), getDefaultQatQconfigMapping('x86'), { x });
 * @throws Error as {@link prepareFx}, and as `prepareQatPt2e` does.
 */
export function prepareQatFx(
  model: FxModel,
  qconfigMapping: QConfigMapping,
  exampleInputs: FxExampleInputs,
  options: PrepareFxOptions = {},
): GraphModule {
  const { module, quantizer } = begin('prepareQatFx', model, qconfigMapping, exampleInputs, options);
  return marked(prepare(module, quantizer, qatPreparation('prepareQatFx')));
}

/**
 * Captures a model and folds its batch norms into the layers before them (counterpart: `torch.ao.quantization.quantize_fx.fuse_fx`).
 * Nothing is quantized.
 * @throws Error when the model cannot be captured, or is in training mode.
 */
export function fuseFx(
  model: FxModel,
  exampleInputs: FxExampleInputs,
  options: ExportOptions = {},
): GraphModule {
  const module = captured('fuseFx', model, exampleInputs, options).clone();
  refuseTrainingMode(module, 'fuseFx');
  foldBatchNorms(new GraphEditor(module));
  module.deleteUnused();
  return module;
}

function begin(
  where: string,
  model: FxModel,
  mapping: QConfigMapping,
  exampleInputs: FxExampleInputs,
  options: PrepareFxOptions,
): { readonly module: GraphModule; readonly quantizer: FxQuantizer } {
  checkOptions(options, optionNames, where);
  const { backendConfig = getNativeBackendConfig(), prepareCustomConfig, ...exportOptions } = options;
  const custom = prepareCustomConfig ?? new PrepareCustomConfig();
  const expected = { QConfigMapping: mapping, BackendConfig: backendConfig, PrepareCustomConfig: custom };
  for (const made of [QConfigMapping, BackendConfig, PrepareCustomConfig]) {
    const given = expected[made.name as keyof typeof expected];
    if (!(given instanceof made)) throw new Error(`${where}: expected a ${made.name}, got ${String(given)}`);
  }
  const module = captured(where, model, exampleInputs, exportOptions);
  custom.checkNames(module, where);
  return { module, quantizer: new FxQuantizer(mapping, backendConfig, custom, where) };
}

function captured(
  where: string,
  model: FxModel,
  exampleInputs: FxExampleInputs,
  options: ExportOptions,
): GraphModule {
  if (model instanceof Module) return exportModel(model, exampleInputs, options);
  const module = GraphModule.accept(model, where, 'a Module of octavo/nn or a GraphModule');
  const ignored = [...Object.keys(exampleInputs ?? {}), ...Object.keys(options)];
  if (ignored.length > 0)
    throw new Error(
      `${where}: the model is captured already, with inputs and shapes of its own: give {} as example inputs, and none of the options of ` +
        `exportModel; got ${ignored.join(', ')}`,
    );
  return module;
}

function marked(prepared: GraphModule): GraphModule {
  prepared.meta.isPreparedByFx = true;
  return prepared;
}
