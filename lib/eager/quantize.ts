import { deepcopy, Embedding, GRU, GRUCell, Linear, LSTM, LSTMCell, type Module } from '../nn/index.ts';
import {
  defaultDynamicQconfig,
  float16DynamicQconfig,
  floatQparamsWeightOnlyQconfig,
  type QConfig,
} from '../quantization/index.ts';
import { type ConvertModuleOptions, checkConvertOptions, convert } from './convert.ts';
import { checkModule } from './in-place.ts';
import { getDefaultDynamicQuantModuleMappings } from './mappings.ts';
import { prepare, prepareQat } from './prepare.ts';
import { type ModuleClass, type ModuleKey, propagateQconfig, type QConfigSpec } from './propagate-qconfig.ts';

/**
 * Prepares a model, calibrates and converts it (counterpart: `torch.ao.quantization.quantize`).
 *
 *     model.qconfig = getDefaultQconfig('x86');
 *     const quantized = await quantize(model, async (prepared, batches) => {
 *       for await (const batch of batches) prepared.call(batch);
 *     }, [batches]);
 * @param runFn runs representative inputs through the prepared model.
 * @param runArgs what it gets beside the model.
 * @throws (rejects) Error as {@link prepare} and {@link convert} do, and what `runFn` throws.
 */
export async function quantize<M extends Module, Args extends readonly unknown[] = []>(
  model: M,
  runFn: (prepared: M, ...args: Args) => unknown,
  runArgs: Args = [] as readonly unknown[] as Args,
  options: ConvertModuleOptions = {},
): Promise<M> {
  checkModule(model, 'quantize');
  checkConvertOptions(options, 'quantize');
  checkRunFn(runFn, 'quantize');
  const own = (options.inplace ? model : deepcopy(model)).eval();
  prepare(own, { inplace: true });
  await runFn(own, ...runArgs);
  return convert(own, { ...options, inplace: true });
}

/**
 * Prepares a model for quantization aware training, trains and converts it (counterpart: `torch.ao.quantization.quantize_qat`).
 * @param runFn trains the prepared model.
 * @param runArgs what it gets beside the model.
 * @throws (rejects) Error as {@link prepareQat} and {@link convert} do, and what `runFn` throws.
 */
export async function quantizeQat<M extends Module, Args extends readonly unknown[] = []>(
  model: M,
  runFn: (prepared: M, ...args: Args) => unknown,
  runArgs: Args = [] as readonly unknown[] as Args,
  options: ConvertModuleOptions = {},
): Promise<M> {
  checkModule(model, 'quantizeQat');
  checkConvertOptions(options, 'quantizeQat');
  checkRunFn(runFn, 'quantizeQat');
  const own = (options.inplace ? model : deepcopy(model)).train();
  prepareQat(own, { inplace: true });
  await runFn(own, ...runArgs);
  return convert(own.eval(), { ...options, inplace: true });
}

function checkRunFn(runFn: unknown, where: string): void {
  if (typeof runFn !== 'function')
    throw new Error(
      `${where}: expected a function that runs the prepared model as its second argument, got ${typeof runFn}`,
    );
}

/** The configuration that each dtype of weights stands for, and the classes of modules that have it. */
const defaults = {
  int8: { qconfig: defaultDynamicQconfig, classes: [Linear, LSTM, GRU, LSTMCell, GRUCell] },
  float16: { qconfig: float16DynamicQconfig, classes: [Linear] },
  uint8: { qconfig: floatQparamsWeightOnlyQconfig, classes: [Embedding] },
} as const satisfies Readonly<Record<string, { qconfig: QConfig; classes: readonly ModuleClass[] }>>;

/**
 * Quantizes the weights of modules, whose inputs are rounded by their own ranges when the model runs (counterpart:
 * `torch.ao.quantization.quantize_dynamic`).
 *
 *     const quantized = quantizeDynamic(model, new Set([nn.LSTM, nn.Linear]), 'int8');
 * @param qconfigSpec classes and paths of modules, whose weights become `dtype`; or a map of these to configurations. By default all that
 * there are for `dtype`: linear layers, LSTMs and GRUs, and their cells, for int8; linear layers for float16; tables of embeddings for uint8.
 * @returns a copy, or the model itself with `inplace`.
 * @throws Error for another dtype, modules that cannot have it (the cells of Elman networks have no int8 form), or if nothing in the model is quantized.
 */
export function quantizeDynamic<M extends Module>(
  model: M,
  qconfigSpec?: ReadonlySet<ModuleKey> | QConfigSpec,
  dtype: keyof typeof defaults = 'int8',
  options: ConvertModuleOptions = {},
): M {
  const where = 'quantizeDynamic';
  checkModule(model, where);
  checkConvertOptions(options, where);
  if (!Object.hasOwn(defaults, dtype))
    throw new Error(`${where}: dtype must be ${Object.keys(defaults).join(', ')}, got '${String(dtype)}'`);
  if (qconfigSpec !== undefined && !(qconfigSpec instanceof Map) && !(qconfigSpec instanceof Set))
    throw new Error(
      `${where}: qconfigSpec must be a Set of classes and paths, or a Map of these to configurations`,
    );
  const { qconfig, classes } = defaults[dtype];
  const spec =
    qconfigSpec instanceof Map ? qconfigSpec : specOf(qconfigSpec ?? new Set<ModuleKey>(classes), qconfig);
  const { mapping = getDefaultDynamicQuantModuleMappings() } = options;
  const unknown = [...spec.keys()].find((key) => typeof key !== 'string' && !mapping.has(key));
  if (unknown)
    throw new Error(
      `${where}: there is no dynamic quantization of ${nameOf(unknown)}; there is of ${[...mapping.keys()].map(nameOf).join(', ')}`,
    );
  const paths = new Set<ModuleKey>(model.namedModules().map(([path]) => path));
  const missing = [...spec.keys()].find((key) => typeof key === 'string' && !paths.has(key));
  if (missing !== undefined) throw new Error(`${where}: there is no module ${nameOf(missing)} in the model`);
  const own = (options.inplace ? model : deepcopy(model)).eval();
  propagateQconfig(own, spec);
  const isSwapped = (module: Module) => module.qconfig && mapping.has(module.constructor as ModuleClass);
  if (!own.namedModules().some(([path, module]) => path !== '' && isSwapped(module)))
    throw new Error(
      `${where}: nothing inside of the model is quantized: it looks for ${[...spec.keys()].map(nameOf).join(', ')}`,
    );
  return convert(own, { mapping, inplace: true });
}

const specOf = (keys: QConfigSpec | ReadonlySet<ModuleKey>, qconfig: QConfig): QConfigSpec =>
  new Map([...keys.keys()].map((key) => [key, qconfig]));

const nameOf = (key: ModuleKey) => (typeof key === 'string' ? `'${key}'` : key.name);
