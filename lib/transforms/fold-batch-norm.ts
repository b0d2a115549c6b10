import { FileTensor } from '../native/file-tensor.ts';
import { Tensor } from '../tensor/index.ts';

/** The parameters of a layer. */
export interface LayerParameters {
  readonly weight: Tensor;
  readonly bias: Tensor;
}

/** What a batch norm does to each channel in inference: `(x - mean) / sqrt(variance + eps) * weight + bias`. */
export interface BatchNormParameters {
  /** 1 for every channel if null. */
  readonly weight: Tensor | null;
  /** 0 for every channel if null. */
  readonly bias: Tensor | null;
  readonly mean: Tensor;
  readonly variance: Tensor;
  readonly eps: number;
}

const f32 = Math.fround;

/**
 * The parameters of the one layer that computes what a layer and the batch norm after it do (counterpart:
 * `torch.nn.utils.fusion.fuse_conv_bn_weights`). Every step is rounded to float32, in PyTorch's order.
 *
 *     weight' = weight γ / sqrt(σ² + eps)        bias' = (bias - μ) / sqrt(σ² + eps) γ + β
 *
 * @param bias of the layer, one number a channel; 0 if null.
 * @param transposedGroups the groups of a transposed convolution, whose weight is `[in, out / groups, ...]`; undefined for
 * other layers, whose output channels are the weight's first axis.
 * @throws Error when a parameter is not float32.
 */
export function foldBatchNorm(
  weight: Tensor,
  bias: Tensor | null,
  norm: BatchNormParameters,
  transposedGroups?: number,
): LayerParameters {
  const floats = (tensor: Tensor | null, otherwise: number): Float32Array | number[] => {
    if (tensor === null) return Array(norm.mean.numel).fill(otherwise);
    if (tensor.data instanceof Float32Array) return tensor.data;
    throw new Error(`folding a batch norm takes float32 parameters, got ${tensor.dtype}`);
  };
  const [scale, shift, old] = [floats(norm.weight, 1), floats(norm.bias, 0), floats(bias, 0)];
  const [mean, variance] = [floats(norm.mean, 0), floats(norm.variance, 1)];
  const eps = f32(norm.eps);
  const factors = new Float32Array(scale.length);
  const newBias = new Float32Array(scale.length);
  for (let c = 0; c < scale.length; c++) {
    const inverse = f32(1 / f32(Math.sqrt(f32(variance[c] + eps))));
    factors[c] = scale[c] * inverse;
    newBias[c] = f32(f32(f32(old[c] - mean[c]) * inverse) * scale[c]) + shift[c];
  }
  const inFile = transposedGroups === undefined && weight instanceof FileTensor && weight.dtype === 'float32';
  const channels = channelRuns(weight, factors, transposedGroups);
  return {
    weight:
      (inFile ? weight.scaled(factors) : undefined) ?? scaled(weight.shape, floats(weight, 0), channels),
    bias: new Tensor('float32', newBias, [scale.length]),
  };
}

/** The factors of the runs of elements that have one channel, in the weight's order. */
function channelRuns({ shape }: Tensor, factors: Float32Array, transposedGroups?: number): Float32Array {
  if (transposedGroups === undefined) return factors;
  const [inputs, perGroup] = shape;
  const runs = new Float32Array(inputs * perGroup);
  for (let i = 0; i < inputs; i++) {
    const group = Math.floor(i / (inputs / transposedGroups));
    runs.set(factors.subarray(group * perGroup, (group + 1) * perGroup), i * perGroup);
  }
  return runs;
}

/** The weights with each of as many equal runs times its factor. */
function scaled(shape: readonly number[], weights: ArrayLike<number>, factors: Float32Array): Tensor {
  const products = new Float32Array(weights.length);
  const run = weights.length / factors.length;
  for (let r = 0, i = 0; r < factors.length; r++)
    for (const end = i + run; i < end; i++) products[i] = weights[i] * factors[r];
  return new Tensor('float32', products, shape);
}
