import { convolutionSums, linearSums, unaryReference } from '../../test/support/reference.ts';
import type { Layer, LayerProblem } from './problem.ts';
import { type LayerTensors, numbersOf } from './tensors.ts';

/** The results of a problem in float64. */
export interface Exact {
  readonly values: Float64Array;
  /**
   * Per result the absolute values of all that was rounded and added up, summed: what an error is measured against. Sums of
   * 8-bit products are exact and count as one number, those of floats product by product.
   */
  readonly magnitudes: Float64Array;
  /** The same, but a sum of products is one number for floats too. */
  readonly summands: Float64Array;
  /**
   * Per output channel what the source's zero point makes of the weights, as an absolute value: kernels may sum without the
   * zero point and take this from the sum in float32, where it may cancel nearly all of it.
   */
  readonly zeroPointShares: Float64Array;
}

/** Computes the problem from its definition: whole numbers exactly, floats as float64. */
export function exactResults(problem: LayerProblem, tensors: LayerTensors): Exact {
  const { layer, x, unary } = problem;
  const isInteger = problem.variant === 'int8';
  const inputs = numbersOf(tensors.x);
  if (x.zeroPoint !== 0) for (let i = 0; i < inputs.length; i++) inputs[i] -= x.zeroPoint;
  const weight = numbersOf(tensors.weight);
  const values = sumsOf(layer, inputs, weight);
  const magnitudes = isInteger
    ? new Float64Array(values.length)
    : sumsOf(layer, inputs.map(Math.abs), weight.map(Math.abs));
  const summands = new Float64Array(values.length);
  const scales = isInteger ? numbersOf(tensors.scales).map((scale) => scale * x.scale) : Float64Array.of(1);
  const bias = tensors.bias && numbersOf(tensors.bias);
  const addend = tensors.addend && dequantized(problem, tensors);
  const zeroPointShares = sumsOfChannels(weight, layer.outputs).map((sum, channel) =>
    Math.abs(x.zeroPoint * sum * scales[scales.length === 1 ? 0 : channel]),
  );
  const pixels = values.length / layer.batch / layer.outputs;
  const apply = unaryReference[unary.name];
  for (let i = 0; i < values.length; i++) {
    const channel = Math.floor(i / pixels) % layer.outputs;
    const [product, offset, added] = [
      values[i] * scales[scales.length === 1 ? 0 : channel],
      bias?.[channel] ?? 0,
      addend?.[i] ?? 0,
    ];
    summands[i] = Math.abs(product) + Math.abs(offset) + Math.abs(added);
    magnitudes[i] += summands[i];
    values[i] = apply(product + offset + added);
  }
  return { values, magnitudes, summands, zeroPointShares };
}

function sumsOf(layer: Layer, x: Float64Array, weight: Float64Array): Float64Array {
  const { operator, batch, channels, outputs, groups, image, kernel, stride, padding, dilation } = layer;
  if (operator === 'linear') return linearSums(x, 0, weight, [outputs, channels]);
  return convolutionSums({
    ...{ x, xShape: [batch, channels, ...image], xZeroPoint: 0 },
    ...{ weight, weightShape: [outputs, channels / groups, ...kernel] },
    ...{ stride, padding, paddingEnd: padding, dilation, groups },
  }).sums;
}

function sumsOfChannels(weight: Float64Array, channels: number): Float64Array {
  const length = weight.length / channels;
  return Float64Array.from({ length: channels }, (_, channel) =>
    weight.subarray(channel * length, (channel + 1) * length).reduce((sum, value) => sum + value, 0),
  );
}

function dequantized({ addend }: LayerProblem, tensors: LayerTensors): Float64Array {
  const { scale, zeroPoint } = addend!;
  return numbersOf(tensors.addend!).map((value) => (value - zeroPoint) * scale);
}
