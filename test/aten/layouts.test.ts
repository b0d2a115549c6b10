import { describe, expect, it } from 'vitest';
import { rowMajorStrides, Tensor } from '../../lib/tensor/index.ts';
import { expectClose } from '../support/aten-goldens.ts';
import {
  channelsLast,
  type Layout,
  runStep,
  seededIntegers,
  seededTensor,
  withGaps,
} from '../support/steps.ts';

interface Subject {
  readonly op: string;
  readonly attributes: Parameters<typeof runStep>[0]['attributes'];
  readonly inputs: readonly Tensor[];
  readonly output: { readonly dtype: Tensor['dtype']; readonly shape: readonly number[] };
}

const image = [2, 19, 7, 6];
const x = seededTensor('float32', image);
const y = seededTensor('float32', image, 7);
const u8 = seededTensor('uint8', image);
const s8 = seededTensor('int8', image);
const row = (count: number, seed = 3) => seededTensor('float32', [count], seed);
const f32 = (shape: readonly number[]) => ({ dtype: 'float32' as const, shape });
const window = { kernel: [3, 3], stride: [2, 2], padding: [1, 1] };
const quantization = { scale: 0.05, zeroPoint: 3, quantMin: 0, quantMax: 255 };

const subjects: Record<string, Subject> = {
  relu: { op: 'eltwise', attributes: { algorithm: 'relu' }, inputs: [x], output: f32(image) },
  gelu: { op: 'eltwise', attributes: { algorithm: 'gelu_erf' }, inputs: [x], output: f32(image) },
  add: { op: 'binary', attributes: { algorithm: 'add' }, inputs: [x, y], output: f32(image) },
  'max pooling of float32': {
    op: 'pool',
    attributes: { algorithm: 'max', ...window },
    inputs: [x],
    output: f32([2, 19, 4, 3]),
  },
  'max pooling of uint8': {
    op: 'pool',
    attributes: { algorithm: 'max', ...window },
    inputs: [u8],
    output: { dtype: 'uint8', shape: [2, 19, 4, 3] },
  },
  'average pooling of int8': {
    op: 'pool',
    attributes: { algorithm: 'avg_include_padding', ...window, xZeroPoint: 5, outputZeroPoint: 5 },
    inputs: [s8],
    output: { dtype: 'int8', shape: [2, 19, 4, 3] },
  },
  'adaptive pooling': {
    op: 'pool',
    attributes: { algorithm: 'avg_adaptive' },
    inputs: [x],
    output: f32([2, 19, 3, 4]),
  },
  softmax: { op: 'softmax', attributes: { axis: 1 }, inputs: [x], output: f32(image) },
  layer_norm: {
    op: 'layer_norm',
    attributes: { normalizedShape: [7, 6], eps: 1e-5, hasWeight: false, hasBias: false },
    inputs: [x],
    output: f32(image),
  },
  group_norm: {
    op: 'group_norm',
    attributes: { groups: 19, eps: 1e-5, hasWeight: true, hasBias: true },
    inputs: [x, row(19), row(19, 5)],
    output: f32(image),
  },
  batch_norm: {
    op: 'batch_norm',
    attributes: { eps: 20, hasWeight: true, hasBias: true },
    inputs: [x, row(19), row(19, 5), row(19, 8), row(19, 9)],
    output: f32(image),
  },
  mean: {
    op: 'reduce',
    attributes: { algorithm: 'mean', axes: [2, 3], keepdim: true },
    inputs: [x],
    output: f32([2, 19, 1, 1]),
  },
  amax: {
    op: 'reduce',
    attributes: { algorithm: 'max', axes: [1], keepdim: true },
    inputs: [x],
    output: f32([2, 1, 7, 6]),
  },
  quantize: {
    op: 'quantize',
    attributes: quantization,
    inputs: [x],
    output: { dtype: 'uint8', shape: image },
  },
  dequantize: { op: 'dequantize', attributes: quantization, inputs: [u8], output: f32(image) },
  quantize_per_channel: {
    op: 'quantize_per_channel',
    attributes: { axis: 1 },
    inputs: [
      x,
      Tensor.from(
        'float32',
        Array.from({ length: 19 }, (_, i) => 0.02 + i / 500),
      ),
    ],
    output: { dtype: 'int8', shape: image },
  },
  requantize: {
    op: 'requantize',
    attributes: { xScale: 0.1, xZeroPoint: 3, outputScale: 0.17, outputZeroPoint: -20 },
    inputs: [u8],
    output: { dtype: 'int8', shape: image },
  },
  copy: { op: 'copy', attributes: {}, inputs: [s8], output: { dtype: 'int8', shape: image } },
  concat: {
    op: 'concat',
    attributes: { axis: 1 },
    inputs: [u8, seededTensor('uint8', [2, 3, 7, 6], 2)],
    output: { dtype: 'uint8', shape: [2, 22, 7, 6] },
  },
  pad: {
    op: 'pad',
    attributes: { padding: [0, 0, 1, 2], value: 9 },
    inputs: [u8],
    output: { dtype: 'uint8', shape: [2, 19, 9, 9] },
  },
  pick: {
    op: 'pick',
    attributes: { table2: [6, -1, 0, 0, 3], table3: [5, 4, 1, -1], value: 7 },
    inputs: [s8],
    output: { dtype: 'int8', shape: [2, 19, 5, 4] },
  },
  'pick of three channels': {
    op: 'pick',
    attributes: { table2: [6, -1, 0, 0, 3], table3: [5, 4, 1, -1], value: 7 },
    inputs: [seededTensor('float32', [2, 3, 7, 6])],
    output: f32([2, 3, 5, 4]),
  },
  resample: {
    op: 'resample',
    attributes: {
      passes: [
        { axis: 2, begins: [0, 4, 2], counts: [2, 3, 0], weights: [0.5, 0.25, 0, 1, -0.5, 0.25, 0, 0, 0] },
        { axis: 3, begins: [0, 1, 2, 4], counts: [1, 2, 2, 2], weights: [1, 0, 0.25, 0.75, 0.5, 1, 2, -1] },
      ],
      outside: 3,
    },
    inputs: [x],
    output: f32([2, 19, 3, 4]),
  },
  grid_sample: {
    op: 'grid_sample',
    attributes: { mode: 'bicubic', padding: 'reflection', alignCorners: false },
    inputs: [x, seededTensor('float32', [2, 5, 4, 2], 4)],
    output: f32([2, 19, 5, 4]),
  },
  index: {
    op: 'index',
    attributes: { axes: [1], walks: [0, -1, 2, 3], position: 0, wraps: true },
    inputs: [x, Tensor.from('int64', seededIntegers(2 * 5 * 7 * 6, -19, 18), [2, 5, 7, 6])],
    output: f32([2, 5, 7, 6]),
  },
};

// A step on any layout is the same step on row-major tensors: the same values in the same order of operations, but for
// sums, which are taken in another order (values are multiples of 1/16 of size 4, sums of up to 42 of them).
const tolerance = { absolute: 2e-6, relative: 2e-6 };
const layouts: Record<string, [Layout, Layout]> = {
  'channels-last': [channelsLast, channelsLast],
  'row-major to channels-last': [rowMajorStrides, channelsLast],
  'channels-last to row-major': [channelsLast, rowMajorStrides],
  'rows with gaps': [withGaps, withGaps],
};

describe('layouts', () => {
  for (const [name, { op, attributes, inputs, output }] of Object.entries(subjects)) {
    for (const [layoutName, [from, to]] of Object.entries(layouts))
      it(`${name}: ${layoutName}`, () => {
        const parameters = (shape: readonly number[]) =>
          shape.length === 1 ? rowMajorStrides(shape) : from(shape);
        const expected = runStep({ op, attributes }, inputs, [output]);
        const actual = runStep({ op, attributes }, inputs, [output], parameters, to);
        expectClose(actual.results[0], expected.results[0], tolerance);
        expect(actual.implementation).not.toMatch(/(^|\+)ref/);
        expect(expected.implementation).not.toMatch(/(^|\+)ref/);
      });
  }
});
