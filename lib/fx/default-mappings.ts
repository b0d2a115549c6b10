import {
  defaultFixedQparamsRange0to1FakeQuant,
  defaultFixedQparamsRange0to1Observer,
  defaultFixedQparamsRangeNeg1to1FakeQuant,
  defaultFixedQparamsRangeNeg1to1Observer,
  defaultPlaceholderObserver,
  defaultQuint8WeightQconfig,
  defaultReuseInputQconfig,
  defaultWeightFakeQuant,
  defaultWeightObserver,
  getDefaultQatQconfig,
  getDefaultQconfig,
  QConfig,
  type QuantizationEngine,
} from '../quantization/index.ts';
import { QConfigMapping } from './qconfig-mapping.ts';

const from0to1 = [
  ...['torch.nn.Hardsigmoid', 'torch.nn.functional.hardsigmoid', 'hardsigmoid', 'hardsigmoid_'],
  ...['torch.nn.Sigmoid', 'torch.sigmoid', 'sigmoid', 'sigmoid_', 'torch.nn.Softmax'],
];
const fromMinus1to1 = ['torch.nn.Tanh', 'torch.tanh', 'tanh', 'tanh_'];

/**
 * How models are quantized for a backend after training (counterpart: `get_default_qconfig_mapping`): by {@link getDefaultQconfig}, with
 * fixed parameters after sigmoid, hardsigmoid, tanh and softmax, which are known to stay in their range.
 * @throws Error for another backend.
 */
export function getDefaultQconfigMapping(backend: QuantizationEngine = 'x86'): QConfigMapping {
  return mappingOf(getDefaultQconfig(backend), backend, {
    weight: defaultWeightObserver,
    from0to1: defaultFixedQparamsRange0to1Observer,
    fromMinus1to1: defaultFixedQparamsRangeNeg1to1Observer,
  });
}

/**
 * The same for training (counterpart: `get_default_qat_qconfig_mapping`), by {@link getDefaultQatQconfig}.
 * @throws Error for another backend or version.
 */
export function getDefaultQatQconfigMapping(
  backend: QuantizationEngine = 'x86',
  version: 0 | 1 = 1,
): QConfigMapping {
  return mappingOf(getDefaultQatQconfig(backend, version), backend, {
    weight: defaultWeightFakeQuant,
    from0to1: defaultFixedQparamsRange0to1FakeQuant,
    fromMinus1to1: defaultFixedQparamsRangeNeg1to1FakeQuant,
  });
}

function mappingOf(
  qconfig: QConfig,
  backend: QuantizationEngine,
  observers: Readonly<Record<'weight' | 'from0to1' | 'fromMinus1to1', QConfig['weight']>>,
): QConfigMapping {
  const { activation } = qconfig;
  const { weight } = observers;
  const mapping = new QConfigMapping()
    .setGlobal(qconfig)
    .setObjectType('reshape', defaultReuseInputQconfig)
    .setObjectType('torch.nn.PReLU', defaultQuint8WeightQconfig);
  // fbgemm has no transposed convolutions with a scale for each channel.
  const transposed = backend === 'onednn' ? qconfig : new QConfig({ activation, weight });
  for (const axes of [1, 2, 3])
    mapping
      .setObjectType(`torch.nn.ConvTranspose${axes}d`, transposed)
      .setObjectType(`torch.nn.functional.conv_transpose${axes}d`, transposed);
  const layerNorm = new QConfig({ activation, weight: defaultPlaceholderObserver });
  for (const type of ['torch.nn.LayerNorm', 'torch.nn.functional.layer_norm'])
    mapping.setObjectType(type, layerNorm);
  for (const type of from0to1)
    mapping.setObjectType(type, new QConfig({ activation: observers.from0to1, weight }));
  for (const type of fromMinus1to1)
    mapping.setObjectType(type, new QConfig({ activation: observers.fromMinus1to1, weight }));
  return mapping;
}
