import { BackendConfig, BackendPatternConfig, ObservationType } from './backend-config.ts';
import { DTypeConfig, DTypeWithConstraints } from './dtype-config.ts';

const { OUTPUT_SHARE_OBSERVER_WITH_INPUT, OUTPUT_USE_DIFFERENT_OBSERVER_AS_INPUT } = ObservationType;

const weighted = new DTypeConfig({
  inputDtype: 'uint8',
  outputDtype: 'uint8',
  weightDtype: 'int8',
  biasDtype: 'float32',
});
const activations = new DTypeConfig({ inputDtype: 'uint8', outputDtype: 'uint8' });
/** Of layer norm, whose weight stays as it is. */
const floatWeight = new DTypeConfig({
  inputDtype: 'uint8',
  outputDtype: 'uint8',
  weightDtype: 'float32',
  biasDtype: 'float32',
});
const dynamicInt8 = new DTypeConfig({
  inputDtype: 'uint8',
  outputDtype: 'float32',
  weightDtype: 'int8',
  biasDtype: 'float32',
  isDynamic: true,
});
const dynamicFloat16 = new DTypeConfig({
  inputDtype: 'float16',
  outputDtype: 'float32',
  weightDtype: 'float16',
  biasDtype: 'float32',
  isDynamic: true,
});
/** Tables of 8 bits, and of 4: those are uint8 from 0 to 15. */
const weightOnly = new DTypeConfig({ inputDtype: 'float32', outputDtype: 'float32', weightDtype: 'uint8' });

const named = (prefix: string, names: string): readonly string[] =>
  names.split(' ').map((name) => prefix + name);
const modules = (names: string) => named('torch.nn.', names);
const functions = (names: string) => named('torch.nn.functional.', names);

const RELU = ['torch.nn.ReLU', 'torch.nn.functional.relu'] as const;

/** Layers, by themselves and followed by ReLU. */
function layers(types: readonly string[], dtypes: readonly DTypeConfig[]): BackendPatternConfig[] {
  return types.flatMap((type) =>
    [type, ...RELU.map((relu) => [type, relu])].map((pattern) =>
      new BackendPatternConfig(pattern).setDtypeConfigs(dtypes),
    ),
  );
}

/** With their batch norm, which is there only in training: otherwise it is folded before. */
function layersWithBatchNorm(dtypes: readonly DTypeConfig[]): BackendPatternConfig[] {
  return [1, 2, 3].flatMap((axes) => {
    const beginning = [`torch.nn.Conv${axes}d`, `torch.nn.BatchNorm${axes}d`];
    return [beginning, ...RELU.map((relu) => [...beginning, relu])].map((pattern) =>
      new BackendPatternConfig(pattern).setDtypeConfigs(dtypes),
    );
  });
}

/** Sums and products; with a number in place of one tensor they keep the parameters of the other. */
function binary(): BackendPatternConfig[] {
  const types = ['operator.add', 'torch.add', 'operator.mul', 'torch.mul'];
  const sums = types.flatMap((type) =>
    [type, ...[...RELU, 'torch.relu'].map((relu) => [type, relu])].map((pattern) =>
      new BackendPatternConfig(pattern).setDtypeConfigs([activations]).setNumTensorArgsToObservationType({
        0: OUTPUT_USE_DIFFERENT_OBSERVER_AS_INPUT,
        1: OUTPUT_SHARE_OBSERVER_WITH_INPUT,
        2: OUTPUT_USE_DIFFERENT_OBSERVER_AS_INPUT,
      }),
    ),
  );
  return [...sums, ...plain(['torch.matmul'], [activations])];
}

function plain(types: readonly string[], dtypes: readonly DTypeConfig[]): BackendPatternConfig[] {
  return types.map((type) => new BackendPatternConfig(type).setDtypeConfigs(dtypes));
}

const ownParameters = [
  ...modules('ELU LeakyReLU Hardswish InstanceNorm1d InstanceNorm2d InstanceNorm3d Dropout PReLU'),
  ...functions('elu hardswish leaky_relu dropout group_norm instance_norm'),
];

/** Operators whose result lies in a range that is known. */
const fixed: readonly (readonly [types: readonly string[], scale: number, zeroPoint: number])[] = [
  [
    [
      ...modules('Hardsigmoid Sigmoid Softmax'),
      ...['torch.nn.functional.hardsigmoid', 'torch.sigmoid'],
      ...['hardsigmoid', 'hardsigmoid_', 'sigmoid', 'sigmoid_'],
    ],
    1 / 256,
    0,
  ],
  [['torch.nn.Tanh', 'torch.tanh', 'tanh', 'tanh_'], 2 / 256, 128],
];

function fixedParameters(): BackendPatternConfig[] {
  return fixed.flatMap(([types, scaleExactMatch, zeroPointExactMatch]) => {
    const range = new DTypeWithConstraints({
      dtype: 'uint8',
      quantMinLowerBound: 0,
      quantMaxUpperBound: 255,
      scaleExactMatch,
      zeroPointExactMatch,
    });
    const dtypes = new DTypeConfig({ inputDtype: range, outputDtype: range });
    return plain(types, [dtypes]);
  });
}

/** Operators that choose, move or average elements: the result is quantized as the input is. */
const inputsParameters = [
  ...modules('AdaptiveAvgPool1d AdaptiveAvgPool2d AdaptiveAvgPool3d AvgPool1d AvgPool2d AvgPool3d Hardtanh'),
  ...modules('Identity MaxPool1d MaxPool2d MaxPool3d PixelShuffle PixelUnshuffle ReLU ReLU6'),
  ...functions('adaptive_avg_pool1d adaptive_avg_pool2d adaptive_avg_pool3d hardtanh interpolate max_pool1d'),
  ...functions(
    'max_pool2d max_pool3d pixel_shuffle pixel_unshuffle relu relu6 avg_pool1d avg_pool2d avg_pool3d',
  ),
  ...named('torch.', 'cat clamp flatten mean narrow repeat_interleave transpose squeeze stack unsqueeze'),
  ...'contiguous clamp detach detach_ mean permute repeat repeat_interleave reshape resize_ relu relu_'.split(
    ' ',
  ),
  ...'squeeze squeeze_ transpose unsqueeze unsqueeze_ view'.split(' '),
];

function batchNorms(): BackendPatternConfig[] {
  return layers(modules('BatchNorm2d BatchNorm3d'), [activations]);
}

/** What PyTorch 2.6 quantizes for all its backends on x86, except for layer norm. */
function common(name: string): BackendConfig {
  const convolutions = [1, 2, 3].flatMap((axes) => [
    `torch.nn.Conv${axes}d`,
    `torch.nn.functional.conv${axes}d`,
  ]);
  const transposed = [1, 2, 3].flatMap((axes) => [
    `torch.nn.ConvTranspose${axes}d`,
    `torch.nn.functional.conv_transpose${axes}d`,
  ]);
  const linearDtypes = [weighted, dynamicInt8, dynamicFloat16];
  return new BackendConfig(name)
    .setBackendPatternConfigs(layers(convolutions, [weighted]))
    .setBackendPatternConfigs(layersWithBatchNorm([weighted]))
    .setBackendPatternConfigs(plain(transposed, [weighted]))
    .setBackendPatternConfigs(layers(['torch.nn.Linear', 'torch.nn.functional.linear'], linearDtypes))
    .setBackendPatternConfig(
      new BackendPatternConfig(['torch.nn.Linear', 'torch.nn.BatchNorm1d']).setDtypeConfigs(linearDtypes),
    )
    .setBackendPatternConfigs(binary())
    .setBackendPatternConfigs(plain(ownParameters, [activations]))
    .setBackendPatternConfigs(fixedParameters())
    .setBackendPatternConfigs(
      plain(inputsParameters, [activations]).map((config) =>
        config.setObservationType(OUTPUT_SHARE_OBSERVER_WITH_INPUT),
      ),
    )
    .setBackendPatternConfigs(batchNorms())
    .setBackendPatternConfigs(plain(modules('LSTM GRU'), [dynamicInt8]))
    .setBackendPatternConfigs(plain(modules('Embedding EmbeddingBag'), [weightOnly]));
}

/**
 * What `prepareFx` quantizes if nothing else is given (counterpart: `get_native_backend_config`, of PyTorch's fbgemm and x86). PyTorch's
 * also has the cells `LSTMCell`, `GRUCell` and `RNNCell`, and recurrent layers with float16 weights.
 */
export function getNativeBackendConfig(): BackendConfig {
  return common('native').setBackendPatternConfigs(
    plain(['torch.nn.LayerNorm', 'torch.nn.functional.layer_norm'], [floatWeight]),
  );
}

/** The same without layer norm, which stays in floating point (counterpart: `get_x86_backend_config`). */
export function getX86BackendConfig(): BackendConfig {
  return common('x86');
}

/** That of {@link getX86BackendConfig} under the name of PyTorch's older backend (counterpart: `get_fbgemm_backend_config`). */
export function getFbgemmBackendConfig(): BackendConfig {
  return common('fbgemm');
}
