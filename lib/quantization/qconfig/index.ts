export * from './default-fake-quantizers.ts';
export * from './default-observers.ts';
export {
  defaultActivationOnlyQconfig,
  defaultDebugQconfig,
  defaultDynamicQatQconfig,
  defaultDynamicQconfig,
  defaultPerChannelQconfig,
  defaultQatQconfig,
  defaultQatQconfigV2,
  defaultQconfig,
  defaultQuint8WeightQconfig,
  defaultReuseInputQconfig,
  defaultWeightOnlyQconfig,
  float16DynamicQconfig,
  float16StaticQconfig,
  floatQparamsWeightOnlyQconfig,
  floatQparamsWeightOnlyQconfig4bit,
  getDefaultQatQconfig,
  getDefaultQconfig,
  perChannelDynamicQconfig,
  type QuantizationEngine,
} from './defaults.ts';
export { QConfig, type QConfigArgs, qconfigEquals } from './qconfig.ts';
