import * as nn from '../nn/index.ts';
import { checkOptions } from '../options.ts';
import {
  defaultFixedQparamsRange0to1FakeQuant,
  defaultFixedQparamsRangeNeg1to1FakeQuant,
} from '../quantization/index.ts';
import { isQuantizedAsOne } from './as-one.ts';
import { swapInside } from './convert.ts';
import { checkModule, type InPlaceOptions, inPlaceOptions } from './in-place.ts';
import { getDefaultQatModuleMappings, getDefaultQconfigPropagationList } from './mappings.ts';
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
 * @throws Error when no module has a `qconfig`, or one has that cannot be quantized by what was observed; or when the model is prepared or
 * converted already.
 */
export function prepare<M extends nn.Module>(model: M, options: InPlaceOptions = {}): M {
  checkModule(model, 'prepare');
  checkOptions(options, inPlaceOptions, 'prepare');
  const prepared = options.inplace ? model : nn.deepcopy(model);
  configure(prepared, 'prepare');
  addObservers(prepared);
  return prepared;
}

/**
 * Prepares a model for quantization aware training (counterpart: `torch.ao.quantization.prepare_qat`): weights and results go through fake
 * quantizers. The result is trained as any other model; what a `Trainer` of `octavo/training` trains is its capture, which shares the fake
 * quantizers with it.
 *
 *     const fused = fuseModulesQat(model.train(), [['conv', 'bn', 'relu']]);
 *     fused.qconfig = getDefaultQatQconfig('x86');
 *     const prepared = prepareQat(fused);
 *     const captured = exportModel(prepared, { x });
 *     const trainer = new Trainer(captured, { … });
 *     …
 *     prepared.loadStateDict(captured.attributes);
 *     const converted = convert(prepared.eval());
 * @returns a copy, or the model itself with `inplace`.
 * @throws Error when the model is not in training mode, and as {@link prepare} does.
 */
export function prepareQat<M extends nn.Module>(model: M, options: InPlaceOptions = {}): M {
  checkModule(model, 'prepareQat');
  checkOptions(options, inPlaceOptions, 'prepareQat');
  if (!model.training) throw new Error('prepareQat: the model is in evaluation mode: call train() first');
  const prepared = options.inplace ? model : nn.deepcopy(model);
  configure(prepared, 'prepareQat');
  swapInside(prepared, getDefaultQatModuleMappings());
  addObservers(prepared);
  return prepared;
}

/**
 * Gives every module its configuration.
 * @throws Error when the model is prepared or converted already, or no module has a configuration.
 */
function configure(model: nn.Module, where: string): void {
  for (const [path, { activationPostProcess, ownBuffers, type }] of model.namedModules()) {
    const named = `'${path}' (${type})`;
    if (activationPostProcess)
      throw new Error(`${where}: the model is prepared already: ${named} has an observer`);
    if (ownBuffers.some(([name]) => name === 'zero_point'))
      throw new Error(`${where}: the model is converted already: ${named} is quantized`);
  }
  propagateQconfig(model);
  if (!model.namedModules().some(([, { qconfig }]) => qconfig))
    throw new Error(
      `${where}: no module has a qconfig, so nothing would be quantized; model.qconfig = getDefaultQconfig('x86')`,
    );
}

/** Functions whose results have a known range are rounded by that in training. */
const ofKnownRange: ReadonlyMap<ModuleClass, { create(): nn.ActivationPostProcess }> = new Map<
  ModuleClass,
  { create(): nn.ActivationPostProcess }
>([
  [nn.Hardsigmoid, defaultFixedQparamsRange0to1FakeQuant],
  [nn.Sigmoid, defaultFixedQparamsRange0to1FakeQuant],
  [nn.Softmax, defaultFixedQparamsRange0to1FakeQuant],
  [nn.Tanh, defaultFixedQparamsRangeNeg1to1FakeQuant],
]);

const recurrent = [nn.LSTM, nn.GRU, nn.LSTMCell, nn.GRUCell];
const observedLeaves = getDefaultQconfigPropagationList();

/** Puts observers behind modules that nothing is inside of, and behind those that are quantized as one. */
function addObservers(module: nn.Module, path = ''): void {
  const children = module.namedChildren;
  for (const [name, child] of children) {
    const childPath = path === '' ? name : `${path}.${name}`;
    const known = child.training ? ofKnownRange.get(child.constructor as ModuleClass) : undefined;
    if (child instanceof nn.Dropout) continue;
    if (known) observe(child, childPath, known);
    else if (isQuantizedAsOne(child)) observe(child, childPath);
    else addObservers(child, childPath);
  }
  if (children.length === 0 && observedLeaves.has(module.constructor as ModuleClass)) observe(module, path);
}

function observe(module: nn.Module, path: string, observer = module.qconfig?.activation): void {
  if (!module.qconfig || !observer || module instanceof DeQuantStub) return;
  const created = observer.create();
  if (created.isDynamic || recurrent.some((type) => module instanceof type))
    throw new Error(
      `'${path}' (${module.type}) is not quantized by what is observed: quantizeDynamic quantizes such layers, and qconfig = null ` +
        'leaves them in floating point',
    );
  module.activationPostProcess = created;
}
