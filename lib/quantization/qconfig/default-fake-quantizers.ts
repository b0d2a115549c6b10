import { FakeQuantize } from '../fake-quantize/fake-quantize.ts';
import { FixedQParamsFakeQuantize } from '../fake-quantize/fixed-qparams.ts';
import { FusedMovingAvgObsFakeQuantize } from '../fake-quantize/fused-moving-average.ts';
import { MovingAverageMinMaxObserver, MovingAveragePerChannelMinMaxObserver } from '../observers/index.ts';
import {
  defaultFixedQparamsRange0to1Observer,
  defaultFixedQparamsRangeNeg1to1Observer,
} from './default-observers.ts';

const activation = { dtype: 'uint8', quantMin: 0, quantMax: 255 } as const;
const weight = { dtype: 'int8', quantMin: -128, quantMax: 127, qscheme: 'per_tensor_symmetric' } as const;
const perChannelWeight = {
  ...weight,
  observer: MovingAveragePerChannelMinMaxObserver,
  qscheme: 'per_channel_symmetric',
} as const;

/** Uint8 activations, 0 to 127 (counterpart: `default_fake_quant`). */
export const defaultFakeQuant = FakeQuantize.withArgs({ ...activation, reduceRange: true });

/** Int8 weights with one scale (counterpart: `default_weight_fake_quant`). */
export const defaultWeightFakeQuant = FakeQuantize.withArgs(weight);

/** Uint8 activations, each by its own range (counterpart: `default_dynamic_fake_quant`). */
export const defaultDynamicFakeQuant = FakeQuantize.withArgs({
  ...activation,
  observer: MovingAverageMinMaxObserver.withArgs({ averagingConstant: 1 }),
  isDynamic: true,
});

/** Values from -1 to 1 (counterpart: `default_fixed_qparams_range_neg1to1_fake_quant`). */
export const defaultFixedQparamsRangeNeg1to1FakeQuant = FixedQParamsFakeQuantize.withArgs({
  observer: defaultFixedQparamsRangeNeg1to1Observer,
});

/** Values from 0 to 1 (counterpart: `default_fixed_qparams_range_0to1_fake_quant`). */
export const defaultFixedQparamsRange0to1FakeQuant = FixedQParamsFakeQuantize.withArgs({
  observer: defaultFixedQparamsRange0to1Observer,
});

/** Int8 weights with a scale for each output channel (counterpart: `default_per_channel_weight_fake_quant`). */
export const defaultPerChannelWeightFakeQuant = FakeQuantize.withArgs({ ...perChannelWeight, chAxis: 0 });

/** Uint8 activations, 0 to 255 (counterpart: `default_fused_act_fake_quant`). */
export const defaultFusedActFakeQuant = FusedMovingAvgObsFakeQuantize.withArgs({
  ...activation,
  recipe: 'pytorch-2.6',
});

/** Int8 weights with one scale (counterpart: `default_fused_wt_fake_quant`). */
export const defaultFusedWtFakeQuant = FusedMovingAvgObsFakeQuantize.withArgs({
  ...weight,
  recipe: 'pytorch-2.6',
});

/** Int8 weights with a scale for each output channel (counterpart: `default_fused_per_channel_wt_fake_quant`). */
export const defaultFusedPerChannelWtFakeQuant = FusedMovingAvgObsFakeQuantize.withArgs({
  ...perChannelWeight,
  recipe: 'pytorch-2.6',
});

/** Int8 weights from -127 to 127 with one scale (counterpart: `fused_wt_fake_quant_range_neg_127_to_127`). */
export const fusedWtFakeQuantRangeNeg127To127 = defaultFusedWtFakeQuant.withArgs({
  quantMin: -127,
  quantMax: 127,
  eps: 2 ** -12,
});

/** The same with a scale for each output channel (counterpart: `fused_per_channel_wt_fake_quant_range_neg_127_to_127`). */
export const fusedPerChannelWtFakeQuantRangeNeg127To127 = defaultFusedPerChannelWtFakeQuant.withArgs({
  quantMin: -127,
  quantMax: 127,
  eps: 2 ** -12,
});
