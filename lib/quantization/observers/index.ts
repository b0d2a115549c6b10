export { DerivedObserver, type DerivedObserverArgs, type DeriveQparams } from './derived.ts';
export { EntropyObserver, type EntropyObserverArgs } from './entropy.ts';
export { FixedQParamsObserver, type FixedQParamsObserverArgs } from './fixed-qparams.ts';
export { HistogramObserver, type HistogramObserverArgs } from './histogram.ts';
export {
  type ExtremesObserver,
  MinMaxObserver,
  type MovingAverageArgs,
  MovingAverageMinMaxObserver,
  MovingAverageMSEObserver,
} from './min-max.ts';
export { MSEObserver } from './mse.ts';
export { NoopObserver } from './noop.ts';
export {
  type ObserverArgs,
  ObserverBase,
  type ObserverClass,
  type ObserverOrFakeQuantize,
  type ObserverOrFakeQuantizeConstructor,
  PartialObserver,
  partialObserver,
} from './observer.ts';
export {
  MovingAveragePerChannelMinMaxObserver,
  MovingAveragePerChannelMSEObserver,
  PerChannelMinMaxObserver,
  type PerChannelObserverArgs,
} from './per-channel-min-max.ts';
export { PercentileObserver, type PercentileObserverArgs } from './percentile.ts';
export { PlaceholderObserver, type PlaceholderObserverArgs } from './placeholder.ts';
export type { RangeObserverArgs } from './range-observer.ts';
export { RecordingObserver } from './recording.ts';
export { ReuseInputObserver } from './reuse-input.ts';
export type { UniformObserverArgs } from './uniform-observer.ts';
export type { RealRange } from './zero-centred-histogram.ts';
