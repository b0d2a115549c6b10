import type { DType } from '../../lib/index.ts';
import type { Problem } from '../kind.ts';

/** What a layer computes, whatever its dtypes. Pairs are of height and width. */
export interface Layer {
  /** A linear layer is a convolution of one pixel, its rows a batch; a 1-dimensional one has images of height 1. */
  readonly operator: 'convolution2d' | 'convolution1d' | 'linear';
  readonly batch: number;
  readonly channels: number;
  readonly outputs: number;
  readonly groups: number;
  readonly image: readonly [number, number];
  readonly kernel: readonly [number, number];
  readonly stride: readonly [number, number];
  readonly padding: readonly [number, number];
  readonly dilation: readonly [number, number];
}

/** A tensor's dtype; where that is of 8-bit integers, the numbers that they stand for. */
export interface Quantized {
  readonly dtype: DType;
  readonly scale: number;
  readonly zeroPoint: number;
}

/** How values are distributed: evenly, at the ends of the range, at its upper end, or nearly all of them 0. */
export type Distribution = 'even' | 'ends' | 'largest' | 'sparse';

/** A function that ends the layer, under oneDNN's name. */
export interface Unary {
  readonly name: string;
  readonly scalars: readonly number[];
}

/** One layer with its fusions. Its tensors follow from the seed (`tensors.ts`). */
export interface LayerProblem extends Problem {
  readonly variant: 'int8' | 'float32' | 'bfloat16';
  readonly layer: Layer;
  readonly x: Quantized & { readonly distribution: Distribution };
  readonly weight: { readonly scales: 'one' | 'per channel'; readonly distribution: Distribution };
  readonly bias: boolean;
  /** What is added to the result, if anything is. */
  readonly addend?: Quantized;
  readonly unary: Unary;
  readonly y: Quantized;
}

/** The images that the layer computes: height and width. */
export function outputImage({ image, kernel, stride, padding, dilation }: Layer): [number, number] {
  const extent = (i: 0 | 1) =>
    Math.floor((image[i] + 2 * padding[i] - dilation[i] * (kernel[i] - 1) - 1) / stride[i]) + 1;
  return [extent(0), extent(1)];
}

/** Multiply-adds of the layer. */
export function multiplyAdds(layer: Layer): number {
  const { batch, channels, outputs, groups, kernel } = layer;
  const [height, width] = outputImage(layer);
  return batch * outputs * height * width * (channels / groups) * kernel[0] * kernel[1];
}
