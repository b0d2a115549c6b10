import { QUANTIZE_PER_CHANNEL, QUANTIZE_PER_TENSOR } from '../../aten/index.ts';
import { isStateful } from '../../graph/index.ts';
import { integerRange, type Tensor } from '../../tensor/index.ts';
import { callOperator } from '../dispatcher.ts';
import type { ActivationPostProcess, Module, Parameter } from '../module.ts';
import type { Qparams } from './value.ts';

/** A weight of int8, with one scale and zero point or one of each channel. */
export interface QuantizedWeight {
  readonly integers: Tensor;
  readonly scale: Tensor;
  readonly zeroPoint: Tensor;
  /** The axis of channels that have their own parameters; null where all have the same. */
  readonly axis: number | null;
}

/**
 * The parameters that a module's observer found for what it returns.
 * @throws Error when the module has no observer, or that has seen nothing, or is not for 8-bit integers.
 */
export function outputQparams(module: Module): Qparams {
  const observer = module.activationPostProcess;
  if (!observer)
    throw new Error(
      `${module.type} has no observer: call prepare, and run representative inputs through the model`,
    );
  const { dtype } = observer;
  if (dtype !== 'uint8' && dtype !== 'int8')
    throw new Error(`${module.type}: activations are quantized to uint8 or int8, not to ${dtype}`);
  const { scale, zeroPoint } = observer.calculateQparams();
  if (scale.numel !== 1)
    throw new Error(
      `${module.type}: activations have one scale, and the observer has ${scale.numel}: give the qconfig one per tensor`,
    );
  return { scale: Number(scale.item()), zeroPoint: Number(zeroPoint.item()), dtype };
}

/** A module that says how it is quantized. In training its weight goes through a fake quantizer. */
export interface Owner extends Module {
  readonly weightFakeQuant?: ActivationPostProcess;
}

/**
 * What sees a module's weight: its fake quantizer, or a new observer.
 * @throws Error when the module has no configuration.
 */
export function weightObserver(module: Owner): ActivationPostProcess {
  if (module.weightFakeQuant) return module.weightFakeQuant;
  if (!module.qconfig)
    throw new Error(`${module.type} has no qconfig, which says how its weight is quantized`);
  return module.qconfig.weight.create();
}

/** A layer of real numbers, in training or not, and all that its quantization needs. */
export interface LayerOwner extends Owner {
  readonly weight: Parameter;
  readonly bias: Parameter | null;
}

/** A layer's weight, bias and the parameters of what it returns. */
export type LayerParts = readonly [weight: QuantizedWeight, bias: Tensor | null, output: Qparams];

/**
 * What a quantized layer is made of.
 * @param owner has the configuration and the observer: the layer itself, or the fused module that it begins.
 */
export function layerParts(layer: Pick<LayerOwner, 'weight' | 'bias'>, owner: Owner): LayerParts {
  const weight = quantizeWeight(layer.weight.tensor, weightObserver(owner), owner.type);
  return [weight, layer.bias?.tensor ?? null, outputQparams(owner)];
}

/**
 * A weight rounded to int8 by what an observer makes of it (`_quantize_weight`).
 * @param type of the module, for messages.
 * @throws Error when the observer is for another dtype.
 */
export function quantizeWeight(
  weight: Tensor,
  observer: ActivationPostProcess,
  type: string,
): QuantizedWeight {
  const { dtype, qscheme = 'per_tensor_affine', chAxis = 0 } = observer;
  if (dtype !== 'int8') throw new Error(`${type}: weights are quantized to int8, not to ${dtype}`);
  const { scale, zeroPoint } = weightQparams(weight, observer);
  const { min, max } = integerRange(dtype);
  const range = [observer.quantMin ?? min, observer.quantMax ?? max, dtype];
  const isPerChannel = qscheme.startsWith('per_channel_');
  const integers = callOperator(
    isPerChannel
      ? {
          target: QUANTIZE_PER_CHANNEL,
          args: [weight, scale, zeroPoint, chAxis, ...range],
          source: 'torch.quantize_per_channel',
        }
      : {
          target: QUANTIZE_PER_TENSOR,
          args: [weight, Number(scale.item()), Number(zeroPoint.item()), ...range],
          source: 'torch.quantize_per_tensor',
        },
  ) as Tensor;
  return { integers, scale, zeroPoint, axis: isPerChannel ? chAxis : null };
}

/** A fake quantizer is as it was afterwards: the model that was trained can be trained further. */
function weightQparams(weight: Tensor, observer: ActivationPostProcess) {
  const before = isStateful(observer) ? [...observer.state] : [];
  observer.forward(weight);
  const qparams = observer.calculateQparams();
  if (isStateful(observer)) for (const [name, tensor] of before) observer.setState(name, tensor);
  return qparams;
}
