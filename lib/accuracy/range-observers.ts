import {
  EntropyObserver,
  MinMaxObserver,
  MovingAveragePerChannelMSEObserver,
  MSEObserver,
  type ObserverOrFakeQuantize,
  PercentileObserver,
  type QuantizedDType,
} from '../quantization/index.ts';
import { UniformQuantizationObserver } from '../quantization/observers/uniform-observer.ts';
import { isPerChannel } from '../quantization/qscheme.ts';

/** Ways to choose the range of an activation, besides the recipe's. */
const classes = {
  'min-max': MinMaxObserver,
  percentile: PercentileObserver,
  entropy: EntropyObserver,
  mse: MSEObserver,
} as const;

export type RangeRule = keyof typeof classes;

export const rangeRules = Object.keys(classes) as readonly RangeRule[];

/** Whether an observer's parameters follow from a range that was observed: others have nothing to choose. */
export const choosesRange = (observer: ObserverOrFakeQuantize): observer is UniformQuantizationObserver =>
  observer instanceof UniformQuantizationObserver && !observer.isDynamic;

/** An observer of the same tensor, dtype and scheme with another rule; of a channel each, the one with the least squared error. */
export function withRule(observer: UniformQuantizationObserver, rule: RangeRule): ObserverOrFakeQuantize {
  const { qscheme, quantMin, quantMax, eps } = observer;
  const args = { dtype: observer.dtype as QuantizedDType, qscheme, quantMin, quantMax, eps };
  if (!isPerChannel(qscheme)) return new classes[rule](args);
  // One tensor is observed: its average is itself.
  const chAxis = (observer as ObserverOrFakeQuantize).chAxis ?? 0;
  return new MovingAveragePerChannelMSEObserver({ ...args, chAxis });
}
