import { FakeQuantize } from '../fake-quantize/fake-quantize.ts';
import { FusedMovingAvgObsFakeQuantize } from '../fake-quantize/fused-moving-average.ts';
import { HistogramObserver, MinMaxObserver, NoopObserver, PlaceholderObserver } from '../observers/index.ts';
import {
  defaultDynamicFakeQuant,
  defaultFakeQuant,
  defaultFusedActFakeQuant,
  defaultFusedPerChannelWtFakeQuant,
  defaultFusedWtFakeQuant,
  defaultPerChannelWeightFakeQuant,
  defaultWeightFakeQuant,
} from './default-fake-quantizers.ts';
import {
  defaultDebugObserver,
  defaultDynamicQuantObserver,
  defaultFloatQparamsObserver,
  defaultFloatQparamsObserver4bit,
  defaultObserver,
  defaultPerChannelWeightObserver,
  defaultPlaceholderObserver,
  defaultReuseInputObserver,
  defaultWeightObserver,
} from './default-observers.ts';
import { QConfig } from './qconfig.ts';

/** Backends of PyTorch on x86 that default configurations are made for. */
export type QuantizationEngine = 'x86' | 'fbgemm' | 'onednn';

const engines: readonly QuantizationEngine[] = ['x86', 'fbgemm', 'onednn'];

/** Leaves a tensor as it is, where PyTorch has `nn.Identity`. */
const unobserved = NoopObserver.withArgs({ dtype: 'float32' });

/** Minimum and maximum, 0 to 127; weights with one scale (counterpart: `default_qconfig`). */
export const defaultQconfig = new QConfig({ activation: defaultObserver, weight: defaultWeightObserver });

/** Keeps all activations (counterpart: `default_debug_qconfig`). */
export const defaultDebugQconfig = new QConfig({
  activation: defaultDebugObserver,
  weight: defaultWeightObserver,
});

/** {@link defaultQconfig} with a scale for each output channel (counterpart: `default_per_channel_qconfig`). */
export const defaultPerChannelQconfig = new QConfig({
  activation: defaultObserver,
  weight: defaultPerChannelWeightObserver,
});

/** Activations by parameters that are computed when the model runs (counterpart: `default_dynamic_qconfig`). */
export const defaultDynamicQconfig = new QConfig({
  activation: defaultDynamicQuantObserver,
  weight: defaultWeightObserver,
});

/** Float16 weights, computed with in float32 (counterpart: `float16_dynamic_qconfig`). */
export const float16DynamicQconfig = new QConfig({
  activation: PlaceholderObserver.withArgs({ dtype: 'float16', isDynamic: true }),
  weight: PlaceholderObserver.withArgs({ dtype: 'float16' }),
});

/** Float16 weights and activations (counterpart: `float16_static_qconfig`). */
export const float16StaticQconfig = new QConfig({
  activation: PlaceholderObserver.withArgs({ dtype: 'float16' }),
  weight: PlaceholderObserver.withArgs({ dtype: 'float16' }),
});

/** {@link defaultDynamicQconfig} with a scale for each output channel (counterpart: `per_channel_dynamic_qconfig`). */
export const perChannelDynamicQconfig = new QConfig({
  activation: defaultDynamicQuantObserver,
  weight: defaultPerChannelWeightObserver,
});

/** Embedding tables of 8 bits (counterpart: `float_qparams_weight_only_qconfig`). */
export const floatQparamsWeightOnlyQconfig = new QConfig({
  activation: defaultPlaceholderObserver,
  weight: defaultFloatQparamsObserver,
});

/** Embedding tables of 4 bits (counterpart: `float_qparams_weight_only_qconfig_4bit`). */
export const floatQparamsWeightOnlyQconfig4bit = new QConfig({
  activation: defaultPlaceholderObserver,
  weight: defaultFloatQparamsObserver4bit,
});

/** Uint8 weights by minimum and maximum (counterpart: `default_quint8_weight_qconfig`). */
export const defaultQuint8WeightQconfig = new QConfig({
  activation: HistogramObserver.withArgs({ recipe: 'pytorch-2.6' }),
  weight: MinMaxObserver,
});

/** For training (counterpart: `default_qat_qconfig`). */
export const defaultQatQconfig = new QConfig({
  activation: defaultFakeQuant,
  weight: defaultWeightFakeQuant,
});

/** For training of dynamic quantization (counterpart: `default_dynamic_qat_qconfig`). */
export const defaultDynamicQatQconfig = new QConfig({
  activation: defaultDynamicFakeQuant,
  weight: defaultWeightFakeQuant,
});

/** For training with quantized weights alone (counterpart: `default_weight_only_qconfig`). */
export const defaultWeightOnlyQconfig = new QConfig({
  activation: unobserved,
  weight: defaultWeightFakeQuant,
});

/** For training with quantized activations alone (counterpart: `default_activation_only_qconfig`). */
export const defaultActivationOnlyQconfig = new QConfig({ activation: defaultFakeQuant, weight: unobserved });

/** For training, with scales of the fused kernel (counterpart: `default_qat_qconfig_v2`). */
export const defaultQatQconfigV2 = new QConfig({
  activation: defaultFusedActFakeQuant,
  weight: defaultFusedWtFakeQuant,
});

/** Operators that keep their input's values, such as a reshape (counterpart: `default_reuse_input_qconfig`). */
export const defaultReuseInputQconfig = new QConfig({
  activation: defaultReuseInputObserver,
  weight: NoopObserver,
});

/**
 * How a backend's models are quantized after training: a histogram of uint8 activations, int8 weights with a scale for each output channel
 * (counterpart: `get_default_qconfig`). `x86`, the default, and `fbgemm` limit activations to 0..127, because their sums of products
 * saturate on CPUs without VNNI; `onednn` has all of 0..255. Octavo computes exact sums of either.
 * @throws Error for another backend.
 */
export function getDefaultQconfig(backend: QuantizationEngine = 'x86'): QConfig {
  checkEngine(backend, 'getDefaultQconfig');
  return new QConfig({
    activation: HistogramObserver.withArgs({ reduceRange: backend !== 'onednn', recipe: 'pytorch-2.6' }),
    weight: defaultPerChannelWeightObserver,
  });
}

/**
 * How a backend's models are quantized in training: moving averages of the ranges of {@link getDefaultQconfig} (counterpart:
 * `get_default_qat_qconfig`).
 * @param version 1, the default, for fused fake quantizers; 0 for those of PyTorch before.
 * @throws Error for another backend or version.
 */
export function getDefaultQatQconfig(backend: QuantizationEngine = 'x86', version: 0 | 1 = 1): QConfig {
  checkEngine(backend, 'getDefaultQatQconfig');
  const range = { quantMin: 0, quantMax: 255, reduceRange: backend !== 'onednn' };
  if (version === 0)
    return new QConfig({
      activation: FakeQuantize.withArgs(range),
      weight: defaultPerChannelWeightFakeQuant,
    });
  if (version !== 1) throw new Error(`getDefaultQatQconfig: version must be 0 or 1, got ${String(version)}`);
  return new QConfig({
    activation: FusedMovingAvgObsFakeQuantize.withArgs({ ...range, recipe: 'pytorch-2.6' }),
    weight: defaultFusedPerChannelWtFakeQuant,
  });
}

/** @throws Error that lists the backends if this is not one of them. */
export function checkEngine(backend: QuantizationEngine, where: string): void {
  if (!engines.includes(backend))
    throw new Error(`${where}: backend must be ${engines.join(', ')}, got '${String(backend)}'`);
}
