import { deepcopy, type Module } from '../nn/index.ts';
import { checkOptions, type OptionNames } from '../options.ts';
import { isQuantizedAsOne } from './as-one.ts';
import { checkModule, type InPlaceOptions } from './in-place.ts';
import { getDefaultStaticQuantModuleMappings, type ModuleMapping } from './mappings.ts';
import type { ModuleClass } from './propagate-qconfig.ts';

/** Options of {@link convert}. */
export interface ConvertModuleOptions extends InPlaceOptions {
  /** What each class of modules becomes; default {@link getDefaultStaticQuantModuleMappings}. */
  readonly mapping?: ModuleMapping;
}

const convertModuleOptions: OptionNames<ConvertModuleOptions> = { inplace: 'boolean', mapping: true };

/** @throws Error that names an unknown option, or when the mapping is no Map. */
export function checkConvertOptions(options: ConvertModuleOptions, where: string): void {
  checkOptions(options, convertModuleOptions, where);
  if (options.mapping !== undefined && !(options.mapping instanceof Map))
    throw new Error(
      `${where}: mapping must be a Map of classes, as getDefaultStaticQuantModuleMappings() gives`,
    );
}

/**
 * Replaces the modules inside of a prepared model by quantized ones, with the parameters that the observers found (counterpart:
 * `torch.ao.quantization.convert`). What remains is a model as any other: it is called, or captured with `exportModel` and then lowered and
 * compiled, which computes on integers.
 * @returns a copy, or the model itself with `inplace`.
 * @throws Error that names a module whose observer has seen nothing, or a weight that cannot be quantized as its `qconfig` says; when the
 * model is not prepared, or itself a layer, in whose place nothing can be put.
 */
export function convert<M extends Module>(model: M, options: ConvertModuleOptions = {}): M {
  checkModule(model, 'convert');
  checkConvertOptions(options, 'convert');
  const { mapping = getDefaultStaticQuantModuleMappings() } = options;
  if (!model.namedModules().some(([, { qconfig }]) => qconfig))
    throw new Error('convert: no module has a qconfig: the model is not prepared, or converted already');
  if (quantizedClass(model, mapping))
    throw new Error(
      `convert: the model itself is a ${model.type}, in whose place nothing can be put; prepare new QuantWrapper(model)`,
    );
  const converted = options.inplace ? model : deepcopy(model);
  swapInside(converted, mapping);
  for (const [, module] of converted.namedModules()) {
    delete module.qconfig;
    delete module.activationPostProcess;
  }
  return converted;
}

/**
 * Replaces modules inside of another one, in place. Fused modules become one: what is inside of them stays until then.
 * @throws Error that names the module that cannot be replaced.
 */
export function swapInside(module: Module, mapping: ModuleMapping, path = ''): void {
  for (const [name, child] of module.namedChildren) {
    const childPath = path === '' ? name : `${path}.${name}`;
    if (!isQuantizedAsOne(child)) swapInside(child, mapping, childPath);
    try {
      module.setSubmodule(name, swapModule(child, mapping));
    } catch (error) {
      throw new Error(`'${childPath}': ${(error as Error).message}`, { cause: error });
    }
  }
}

/**
 * What one module becomes: itself where it has no `qconfig`, or its class is not in the mapping (counterpart:
 * `torch.ao.quantization.swap_module`).
 * @throws Error as {@link convert} does.
 */
export function swapModule(module: Module, mapping: ModuleMapping): Module {
  const quantized = quantizedClass(module, mapping);
  return quantized ? quantized.fromFloat(module as never).train(module.training) : module;
}

const quantizedClass = (module: Module, mapping: ModuleMapping) =>
  module.qconfig ? mapping.get(module.constructor as ModuleClass) : undefined;
