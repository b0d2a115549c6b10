import type { BackendOperator } from './kernels.ts';

export const conv1d: BackendOperator = {
  name: 'conv1d',
  operators: ['aten.conv1d.default', 'aten.conv1d.padding', 'aten.convolution.default'],
  sources: ['torch.nn.modules.conv.Conv1d', 'torch.conv1d'],
};
export const conv2d: BackendOperator = {
  name: 'conv2d',
  operators: ['aten.conv2d.default', 'aten.conv2d.padding', 'aten.convolution.default'],
  sources: ['torch.nn.modules.conv.Conv2d', 'torch.conv2d'],
};
export const conv3d: BackendOperator = {
  name: 'conv3d',
  operators: ['aten.conv3d.default', 'aten.conv3d.padding', 'aten.convolution.default'],
  sources: ['torch.nn.modules.conv.Conv3d', 'torch.conv3d'],
};
/** Of convolutions over one, two or three axes, each once. */
export const convolutionOperators: readonly string[] = [
  ...new Set([conv1d, conv2d, conv3d].flatMap(({ operators }) => operators)),
];
/** Computed in floating point alone. */
export const convTranspose: BackendOperator = {
  name: 'conv_transpose',
  operators: ['aten.conv_transpose1d.default', 'aten.conv_transpose2d.input', 'aten.conv_transpose3d.input'],
  sources: [
    ...[1, 2, 3].map((axes) => `torch.nn.modules.conv.ConvTranspose${axes}d`),
    ...[1, 2, 3].map((axes) => `torch.conv_transpose${axes}d`),
  ],
};
export const linear: BackendOperator = {
  name: 'linear',
  operators: ['aten.linear.default'],
  sources: ['torch.nn.modules.linear.Linear', 'torch._C._nn.linear'],
};
/** One layer in one direction: `torch.nn.LSTM` is several. */
export const lstm: BackendOperator = {
  name: 'lstm',
  operators: ['octavo.lstm_layer.default'],
  sources: ['torch.nn.modules.rnn.LSTM', 'torch.lstm'],
};
export const gru: BackendOperator = {
  name: 'gru',
  operators: ['octavo.gru_layer.default'],
  sources: ['torch.nn.modules.rnn.GRU', 'torch.gru'],
};
export const matmul: BackendOperator = {
  name: 'matmul',
  operators: ['aten.matmul.default', 'aten.bmm.default', 'aten.mm.default'],
  sources: ['torch.matmul'],
};
export const maxPool2d: BackendOperator = {
  name: 'max_pool2d',
  operators: ['aten.max_pool2d.default'],
  sources: ['torch.nn.modules.pooling.MaxPool2d', 'torch.nn.functional.max_pool2d'],
};
export const cat: BackendOperator = {
  name: 'cat',
  operators: ['aten.cat.default', 'aten.concat.default'],
  sources: ['torch.cat'],
};
export const avgPool2d: BackendOperator = {
  name: 'avg_pool2d',
  operators: ['aten.avg_pool2d.default'],
  sources: ['torch.nn.modules.pooling.AvgPool2d', 'torch._C._nn.avg_pool2d'],
};
export const adaptiveAvgPool2d: BackendOperator = {
  name: 'adaptive_avg_pool2d',
  operators: ['aten.adaptive_avg_pool2d.default'],
  sources: ['torch.nn.modules.pooling.AdaptiveAvgPool2d', 'torch.nn.functional.adaptive_avg_pool2d'],
};
export const flatten: BackendOperator = {
  name: 'flatten',
  operators: ['aten.flatten.using_ints'],
  sources: ['torch.flatten'],
};
export const batchNorm: BackendOperator = {
  name: 'batch_norm',
  operators: ['aten.batch_norm.default'],
  sources: ['torch.nn.modules.batchnorm.BatchNorm2d', 'torch.nn.functional.batch_norm'],
};
export const softmax: BackendOperator = {
  name: 'softmax',
  operators: ['aten.softmax.int'],
  sources: ['torch.nn.modules.activation.Softmax', 'torch.nn.functional.softmax'],
};
export const layerNorm: BackendOperator = {
  name: 'layer_norm',
  operators: ['aten.layer_norm.default'],
  sources: ['torch.nn.modules.normalization.LayerNorm', 'torch.nn.functional.layer_norm'],
};
export const embedding: BackendOperator = {
  name: 'embedding',
  operators: ['aten.embedding.default'],
  sources: ['torch.nn.modules.sparse.Embedding', 'torch.nn.functional.embedding'],
};
/** An operator without a module class. Only other quantizers annotate it. */
const plain = (target: string): BackendOperator => ({
  name: target.split('.')[1],
  operators: [target],
  sources: [],
});

/** Averages over windows or axes. They run on integers if input and output share quantization parameters. */
export const averages: readonly BackendOperator[] = [
  avgPool2d,
  adaptiveAvgPool2d,
  ...['aten.avg_pool1d.default', 'aten.adaptive_avg_pool1d.default', 'aten.mean.dim'].map(plain),
];

/**
 * Operators that only select or compare elements of their input. On 8-bit codes they do what they would do on the real
 * values, because quantization preserves order.
 */
export const dataMovement: readonly BackendOperator[] = [
  maxPool2d,
  cat,
  flatten,
  {
    name: 'squeeze',
    operators: ['default', 'dim', 'dims'].map((form) => `aten.squeeze.${form}`),
    sources: [],
  },
  ...[
    'aten._unsafe_view.default',
    'aten.expand.default',
    'aten.max_pool1d.default',
    'aten.permute.default',
    'aten.reshape.default',
    'aten.select.int',
    'aten.slice.Tensor',
    'aten.t.default',
    'aten.transpose.int',
    'aten.unflatten.int',
    'aten.unsqueeze.default',
    'aten.view.default',
  ].map(plain),
];

/** Arithmetic on two tensors. */
export interface ArithmeticOperator extends BackendOperator {
  /** Its name in `octavo.binary`. */
  readonly algorithm: string;
}

const arithmetic = (algorithm: string, operator: string, source: string): ArithmeticOperator => ({
  name: operator.split('.')[1],
  operators: [operator],
  sources: [source],
  algorithm,
});

export const add = arithmetic('add', 'aten.add.Tensor', '_operator.add');
export const mul = arithmetic('mul', 'aten.mul.Tensor', '_operator.mul');

export const arithmeticOperators: readonly ArithmeticOperator[] = [
  add,
  arithmetic('sub', 'aten.sub.Tensor', '_operator.sub'),
  mul,
  arithmetic('div', 'aten.div.Tensor', '_operator.truediv'),
  arithmetic('max', 'aten.maximum.default', 'torch.maximum'),
  arithmetic('min', 'aten.minimum.default', 'torch.minimum'),
];
