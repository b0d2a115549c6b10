import type { StepName } from '../native/step-name.ts';

/**
 * What a native step asks of its operands' memory order:
 * - `channelsLast`: images with the channels innermost, in and out;
 * - `images`: the same for operands of any shape, which are all images;
 * - `imagesIn`: all operands are images with the channels innermost, the result is row-major;
 * - `uniform`: operands of the result's shape have the result's layout, any of them;
 * - `any`: every input as it is, and a result in any requested order;
 * - `strided`: every input as it is, and a row-major result;
 * - `rowMajor`: row-major in and out.
 */
export type LayoutRule = 'channelsLast' | 'images' | 'imagesIn' | 'uniform' | 'any' | 'strided' | 'rowMajor';

/**
 * The sums of products that a native step computes:
 * - `weightRows`: each result is a sum over one row of the weight, which is `[out, ...]`;
 * - `weightColumns`: each element of the first input is multiplied with one row of the weight, which is `[in, ...]`;
 * - `gradientColumns`: each element of the first input is multiplied with one row of the result, which is `[channels, ...]`;
 * - `recurrent`: each step of a sequence times one weight, and the state before it times the next;
 * - `rowsByColumns`: each result is a row of the first input times a column of the second;
 * - `attention`: queries by keys, then weights by values;
 * - `none`: it moves data, and computes an element or a row at a time.
 */
export type Products =
  | 'weightRows'
  | 'weightColumns'
  | 'gradientColumns'
  | 'recurrent'
  | 'rowsByColumns'
  | 'attention'
  | 'none';

/** What a plan knows of a native step. */
export interface StepTraits {
  readonly layout: LayoutRule;
  readonly products: Products;
  /**
   * Operands that may be a part of a larger tensor, with gaps between the rows, and are as fast as contiguous ones.
   * Absent: none.
   */
  readonly slices?: 'written' | 'read and written';
  /** It reads an element of each operand of the result's shape, then writes the result's: it may overwrite an operand. */
  readonly overwrites?: true;
  /** Its first input is a table, of which it reads the rows that the second one names. */
  readonly looksUp?: true;
  /** Its results are values of its inputs, or are between the smallest and the largest of them and 0. */
  readonly selects?: true;
}

/** All native steps: a name in `StepName` without a row here does not compile. */
export const steps: Readonly<Record<StepName, StepTraits>> = {
  affine_fake_quantize: { layout: 'uniform', products: 'none' },
  affine_fake_quantize_per_channel: { layout: 'rowMajor', products: 'none' },
  affine_grid: { layout: 'strided', products: 'none' },
  arg_reduce: { layout: 'strided', products: 'none' },
  attention: { layout: 'strided', products: 'attention' },
  batch_norm: { layout: 'channelsLast', products: 'none', slices: 'read and written', overwrites: true },
  batch_norm_gradient: { layout: 'channelsLast', products: 'none' },
  batch_norm_training: { layout: 'channelsLast', products: 'none' },
  binary: { layout: 'uniform', products: 'none', slices: 'read and written', overwrites: true },
  choose_qparams: { layout: 'rowMajor', products: 'none' },
  compare: { layout: 'strided', products: 'none' },
  // Its inputs are written to their places in the larger tensor.
  concat: { layout: 'uniform', products: 'none', slices: 'read and written', selects: true },
  // The result is copied to its place while it is in the cache.
  convolution: { layout: 'channelsLast', products: 'weightRows', slices: 'written' },
  convolution_input_gradient: { layout: 'channelsLast', products: 'weightColumns' },
  convolution_weight_gradient: { layout: 'imagesIn', products: 'gradientColumns' },
  copy: { layout: 'any', products: 'none', slices: 'read and written', selects: true },
  dequantize: { layout: 'any', products: 'none', slices: 'read and written' },
  dequantize_per_channel: { layout: 'any', products: 'none' },
  dropout_mask: { layout: 'strided', products: 'none' },
  elementwise: { layout: 'uniform', products: 'none', slices: 'read and written', overwrites: true },
  eltwise: { layout: 'uniform', products: 'none', slices: 'read and written', overwrites: true },
  embedding: { layout: 'rowMajor', products: 'none', looksUp: true },
  embedding_bag: { layout: 'rowMajor', products: 'none', looksUp: true },
  fake_quantize: { layout: 'uniform', products: 'none' },
  fake_quantize_gradient: { layout: 'uniform', products: 'none' },
  fake_quantize_gradient_per_channel: { layout: 'rowMajor', products: 'none' },
  fake_quantize_per_channel: { layout: 'rowMajor', products: 'none' },
  fill: { layout: 'uniform', products: 'none', slices: 'read and written' },
  fold: { layout: 'strided', products: 'none' },
  fold_windows: { layout: 'strided', products: 'none' },
  grid_sample: { layout: 'any', products: 'none' },
  group_norm: { layout: 'rowMajor', products: 'none' },
  index: { layout: 'strided', products: 'none', selects: true },
  integer_convolution: { layout: 'rowMajor', products: 'weightRows' },
  integer_linear: { layout: 'rowMajor', products: 'weightRows' },
  integer_matmul: { layout: 'strided', products: 'rowsByColumns' },
  layer_norm: { layout: 'rowMajor', products: 'none' },
  learnable_fake_quantize_gradient: { layout: 'uniform', products: 'none' },
  learnable_fake_quantize_gradient_per_channel: { layout: 'rowMajor', products: 'none' },
  linear: { layout: 'rowMajor', products: 'weightRows' },
  lookup: { layout: 'uniform', products: 'none', slices: 'read and written', overwrites: true },
  matmul: { layout: 'strided', products: 'rowsByColumns' },
  maxima_with_indices: { layout: 'rowMajor', products: 'none' },
  nms: { layout: 'rowMajor', products: 'none' },
  non_max_suppression: { layout: 'rowMajor', products: 'none' },
  nonzero: { layout: 'rowMajor', products: 'none' },
  observe_range: { layout: 'strided', products: 'none' },
  one_hot: { layout: 'strided', products: 'none' },
  overwrite: { layout: 'strided', products: 'none', selects: true },
  pad: { layout: 'uniform', products: 'none' },
  pick: { layout: 'any', products: 'none', slices: 'read and written' },
  pool: { layout: 'channelsLast', products: 'none', selects: true },
  pool_gradient: { layout: 'images', products: 'none' },
  quantize: { layout: 'any', products: 'none', slices: 'read and written' },
  quantize_per_channel: { layout: 'any', products: 'none' },
  quantized_average: { layout: 'channelsLast', products: 'none' },
  recurrent: { layout: 'rowMajor', products: 'recurrent' },
  reduce: { layout: 'strided', products: 'none' },
  requantize: { layout: 'any', products: 'none', slices: 'read and written' },
  resample: { layout: 'any', products: 'none' },
  roi_align: { layout: 'any', products: 'none' },
  scan: { layout: 'strided', products: 'none' },
  scatter: { layout: 'strided', products: 'none' },
  select: { layout: 'uniform', products: 'none', slices: 'read and written', overwrites: true },
  softmax: { layout: 'rowMajor', products: 'none' },
  sort: { layout: 'strided', products: 'none' },
  transposed_convolution: { layout: 'channelsLast', products: 'weightColumns' },
  triangle: { layout: 'strided', products: 'none', selects: true },
  weight_only_linear: { layout: 'rowMajor', products: 'weightRows' },
};
