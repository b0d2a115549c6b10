import { callOperator, type Value } from '../dispatcher.ts';
import { type InPlace, type Pair, pair, trimDefaults } from './arguments.ts';

/** Geometry of a convolution. */
export interface ConvOptions<Size> {
  readonly stride?: Size;
  /** Zeros added on both sides, or `'same'`, which keeps the size. */
  readonly padding?: Size | 'same' | 'valid';
  readonly dilation?: Size;
  readonly groups?: number;
}

/** Convolution of x [n, in, h, w] with weights [out, in / groups, kh, kw]. */
export function conv2d(
  x: Value,
  weight: Value,
  bias: Value | null = null,
  options: ConvOptions<Pair> = {},
): Value {
  const { stride = 1, padding = 0, dilation = 1, groups = 1 } = options;
  const named = typeof padding === 'string';
  return callOperator({
    target: named ? 'aten.conv2d.padding' : 'aten.conv2d.default',
    args: trimDefaults(
      [x, weight, bias, pair(stride), named ? padding : pair(padding), pair(dilation), groups],
      [null, [1, 1], named ? 'valid' : [0, 0], [1, 1], 1],
    ),
    source: 'torch.conv2d',
  });
}

/** Convolution of x [n, in, length] with weights [out, in / groups, k]. */
export function conv1d(
  x: Value,
  weight: Value,
  bias: Value | null = null,
  options: ConvOptions<number> = {},
): Value {
  const { stride = 1, padding = 0, dilation = 1, groups = 1 } = options;
  const named = typeof padding === 'string';
  return callOperator({
    target: named ? 'aten.conv1d.padding' : 'aten.conv1d.default',
    args: trimDefaults(
      [x, weight, bias, [stride], named ? padding : [padding], [dilation], groups],
      [null, [1], named ? 'valid' : [0], [1], 1],
    ),
    source: 'torch.conv1d',
  });
}

/** x [..., in] times weights [out, in], transposed, plus the bias. */
export function linear(x: Value, weight: Value, bias: Value | null = null): Value {
  const args = trimDefaults([x, weight, bias], [null]);
  return callOperator({ target: 'aten.linear.default', args, source: 'torch._C._nn.linear' });
}

/** Arguments of batch norm except its input, all of shape [channels]. */
export interface BatchNormArguments {
  readonly runningMean: Value;
  readonly runningVar: Value;
  readonly weight: Value | null;
  readonly bias: Value | null;
  readonly training: boolean;
  readonly momentum: number;
  readonly eps: number;
}

/** (x - mean) / sqrt(var + eps) * weight + bias per channel */
export function batchNorm(x: Value, options: BatchNormArguments): Value {
  const { weight, bias, runningMean, runningVar, training, momentum, eps } = options;
  return callOperator({
    target: 'aten.batch_norm.default',
    args: [x, weight, bias, runningMean, runningVar, training, momentum, eps, true],
    source: 'torch.nn.functional.batch_norm',
  });
}

/** Normalizes over the last dimensions, of sizes `normalizedShape`. */
export function layerNorm(
  x: Value,
  normalizedShape: readonly number[],
  weight: Value | null = null,
  bias: Value | null = null,
  eps = 1e-5,
): Value {
  return callOperator({
    target: 'aten.layer_norm.default',
    args: trimDefaults([x, normalizedShape, weight, bias, eps], [null, null, 1e-5]),
    source: 'torch.nn.functional.layer_norm',
  });
}

/** Rows of weights [count, width] by index. */
export function embedding(indices: Value, weight: Value): Value {
  return callOperator({
    target: 'aten.embedding.default',
    args: [weight, indices],
    source: 'torch.nn.functional.embedding',
  });
}

/** In training, zeroes elements with probability p; otherwise returns its input. */
export function dropout(x: Value, p = 0.5, training = false, { inplace = false }: InPlace = {}): Value {
  return callOperator({
    target: `aten.dropout${inplace ? '_' : ''}.default`,
    args: [x, p, training],
    source: 'torch.nn.functional.dropout',
    floats: ['p'],
  });
}

/** softmax(q k^T / sqrt(width)) v, over the last two dimensions [length, width]. */
export function scaledDotProductAttention(q: Value, k: Value, v: Value, mask: Value | null = null): Value {
  return callOperator({
    target: 'aten.scaled_dot_product_attention.default',
    args: trimDefaults([q, k, v, mask], [null]),
    source: 'torch._C._nn.scaled_dot_product_attention',
  });
}
