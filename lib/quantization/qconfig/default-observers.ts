import {
  FixedQParamsObserver,
  HistogramObserver,
  MinMaxObserver,
  PerChannelMinMaxObserver,
  PlaceholderObserver,
  RecordingObserver,
  ReuseInputObserver,
} from '../observers/index.ts';

/** Uint8 activations, 0 to 127 (counterpart: `default_observer`). */
export const defaultObserver = MinMaxObserver.withArgs({ quantMin: 0, quantMax: 127 });

/** A histogram of uint8 activations, 0 to 127 (counterpart: `default_histogram_observer`). */
export const defaultHistogramObserver = HistogramObserver.withArgs({
  quantMin: 0,
  quantMax: 127,
  recipe: 'pytorch-2.6',
});

/** Tensors that are converted, not quantized (counterpart: `default_placeholder_observer`). */
export const defaultPlaceholderObserver = PlaceholderObserver.withArgs({});

/** Keeps what it sees (counterpart: `default_debug_observer`). */
export const defaultDebugObserver = RecordingObserver.withArgs({});

/** Int8 weights with one scale (counterpart: `default_weight_observer`). */
export const defaultWeightObserver = MinMaxObserver.withArgs({
  dtype: 'int8',
  qscheme: 'per_tensor_symmetric',
});

/** Int8 weights with a scale for each output channel (counterpart: `default_per_channel_weight_observer`). */
export const defaultPerChannelWeightObserver = PerChannelMinMaxObserver.withArgs({
  dtype: 'int8',
  qscheme: 'per_channel_symmetric',
});

/** Int8 weights from -127 to 127 with one scale (counterpart: `weight_observer_range_neg_127_to_127`). */
export const weightObserverRangeNeg127To127 = defaultWeightObserver.withArgs({
  quantMin: -127,
  quantMax: 127,
  eps: 2 ** -12,
});

/** The same with a scale for each output channel (counterpart: `per_channel_weight_observer_range_neg_127_to_127`). */
export const perChannelWeightObserverRangeNeg127To127 = defaultPerChannelWeightObserver.withArgs({
  quantMin: -127,
  quantMax: 127,
  eps: 2 ** -12,
});

/** Uint8 activations whose parameters are computed when the model runs (counterpart: `default_dynamic_quant_observer`). */
export const defaultDynamicQuantObserver = PlaceholderObserver.withArgs({
  dtype: 'uint8',
  quantMin: 0,
  quantMax: 255,
  isDynamic: true,
});

/** Rows of embedding tables, with floating point zero points (counterpart: `default_float_qparams_observer`). */
export const defaultFloatQparamsObserver = PerChannelMinMaxObserver.withArgs({
  dtype: 'uint8',
  qscheme: 'per_channel_affine_float_qparams',
  chAxis: 0,
});

/** The same in 4 bits (counterpart: `default_float_qparams_observer_4bit`, whose dtype is `quint4x2`). */
export const defaultFloatQparamsObserver4bit = defaultFloatQparamsObserver.withArgs({
  quantMin: 0,
  quantMax: 15,
});

/** Values from -1 to 1, as of a tanh (counterpart: `default_fixed_qparams_range_neg1to1_observer`). */
export const defaultFixedQparamsRangeNeg1to1Observer = FixedQParamsObserver.withArgs({
  scale: 2 / 256,
  zeroPoint: 128,
});

/** Values from 0 to 1, as of a sigmoid (counterpart: `default_fixed_qparams_range_0to1_observer`). */
export const defaultFixedQparamsRange0to1Observer = FixedQParamsObserver.withArgs({
  scale: 1 / 256,
  zeroPoint: 0,
});

/** Results of operators that keep their input's values (counterpart: `default_reuse_input_observer`). */
export const defaultReuseInputObserver = ReuseInputObserver.withArgs({});
