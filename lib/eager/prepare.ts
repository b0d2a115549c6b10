import { Dropout, deepcopy, GRU, intrinsic, LSTM, type Module, quantized } from '../nn/index.ts';
import { checkOptions } from '../options.ts';
import { checkModule, type InPlaceOptions, inPlaceOptions } from './in-place.ts';
import { getDefaultQconfigPropagationList } from './mappings.ts';
import { type ModuleClass, propagateQconfig } from './propagate-qconfig.ts';
import { DeQuantStub } from './stubs.ts';

/**
 * Puts observers behind the modules that will be quantized (counterpart: `torch.ao.quantization.prepare`): those with a `qconfig`, of
 * their own or of a module around them. Then representative inputs are run through the model, and {@link convert} quantizes it.
 *
 *     model.eval().qconfig = getDefaultQconfig('x86');
 *     const prepared = prepare(model);
 *     for (const batch of batches) prepared.call(batch);
 *     const converted = convert(prepared);
 * @returns a copy, or the model itself with `inplace`.
 * @throws Error when no module has a `qconfig`, or one has that cannot be quantized by what was observed.
 */
export function prepare<M extends Module>(model: M, options: InPlaceOptions = {}): M {
  checkModule(model, 'prepare');
  checkOptions(options, inPlaceOptions, 'prepare');
  const prepared = options.inplace ? model : deepcopy(model);
  propagateQconfig(prepared);
  if (!prepared.namedModules().some(([, { qconfig }]) => qconfig))
    throw new Error(
      "prepare: no module has a qconfig, so nothing would be quantized; model.qconfig = getDefaultQconfig('x86')",
    );
  addObservers(prepared, getDefaultQconfigPropagationList(), '');
  return prepared;
}

/** Puts observers behind modules that nothing is inside of, and behind fused ones. */
function addObservers(module: Module, observed: ReadonlySet<ModuleClass>, path: string): void {
  const children = module.namedChildren;
  for (const [name, child] of children) {
    if (child instanceof Dropout) continue;
    if (child instanceof quantized.FloatFunctional || child instanceof intrinsic.FusedModule) observe(child);
    else addObservers(child, observed, path === '' ? name : `${path}.${name}`);
  }
  if (children.length > 0 || !observed.has(module.constructor as ModuleClass)) return;
  if (module.qconfig && (module instanceof LSTM || module instanceof GRU))
    throw new Error(
      `prepare: '${path}' (${module.type}) cannot be quantized by what was observed; quantizeDynamic quantizes such layers, and ` +
        'qconfig = null leaves them in floating point',
    );
  observe(module);
}

function observe(module: Module): void {
  if (module.qconfig && !(module instanceof DeQuantStub))
    module.activationPostProcess = module.qconfig.activation.create();
}
