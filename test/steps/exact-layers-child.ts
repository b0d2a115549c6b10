// Int8 layers with the largest values there are, against sums of whole numbers in double precision. Prints how many
// elements of each case are wrong.

import { addon } from '../../lib/native/addon.ts';
import { channelsLastStrides } from '../../lib/plan/orders/strides.ts';
import { rowMajorStrides } from '../../lib/tensor/index.ts';

let state = 1;
/** A linear congruential generator (Numerical Recipes): 0 <= value < 1. */
function random(): number {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return state / 2 ** 32;
}

type Bytes = Uint8Array | Int8Array;
const numel = (shape: readonly number[]) => shape.reduce((a, b) => a * b, 1);

/** Half of the values, and the first, lie at the ends of the range, where pairs of products leave 16 bits. */
function extremes<T extends Bytes>(values: T, low: number, high: number): T {
  for (let i = 0; i < values.length; i++)
    values[i] =
      random() < 0.5 ? (random() < 0.5 ? low : high) : Math.floor(low + random() * (high - low + 1));
  values[0] = low;
  return values;
}

/** Values of a case: of the input, in its dtype, and of the weight. */
interface Ranges {
  readonly dtype: 'uint8' | 'int8';
  readonly zeroPoint: number;
  readonly x: readonly [number, number];
  readonly weight: readonly [number, number];
  /** Also on the kernels that oneDNN offers behind the first: where there is VNNI, those for older CPUs too. */
  readonly allKernels?: true;
}

interface Layer {
  readonly x: readonly number[];
  readonly weight: readonly number[];
  readonly stride?: readonly number[];
  readonly padding?: readonly number[];
  readonly dilation?: readonly number[];
  readonly groups?: number;
}

const layers: readonly Layer[] = [
  { x: [1, 3, 17, 19], weight: [16, 3, 7, 7], stride: [2, 2], padding: [3, 3] },
  { x: [2, 64, 7, 7], weight: [33, 64, 3, 3], padding: [1, 1] },
  { x: [1, 17, 9, 5], weight: [9, 17, 3, 3], padding: [1, 2], dilation: [2, 1] },
  { x: [1, 6, 12, 12], weight: [20, 6, 3, 3], padding: [2, 2], dilation: [1, 2] },
  { x: [3, 40, 8, 8], weight: [300, 40, 1, 1] },
  { x: [1, 40, 9, 9], weight: [24, 40, 1, 1], stride: [2, 2] },
  { x: [1, 24, 9, 9], weight: [24, 1, 3, 3], padding: [1, 1], groups: 24 },
  { x: [2, 35, 11, 9], weight: [35, 1, 5, 5], stride: [2, 1], padding: [2, 2], groups: 35 },
  { x: [1, 32, 6, 6], weight: [64, 4, 3, 3], padding: [1, 1], groups: 8 },
  { x: [1, 30, 6, 6], weight: [10, 15, 3, 3], groups: 2 },
  { x: [1, 8, 5, 5], weight: [16, 1, 3, 3], padding: [1, 1], groups: 8 },
  { x: [1, 2048, 1, 1], weight: [10, 2048, 1, 1] },
];

function referenceConvolution(
  layer: Layer,
  x: Bytes,
  zeroPoint: number,
  weight: Bytes,
  shape: readonly number[],
) {
  const { stride = [1, 1], padding = [0, 0], dilation = [1, 1], groups = 1 } = layer;
  const [, channels, height, width] = layer.x;
  const [outputs, inputs, kernelH, kernelW] = layer.weight;
  const y = new Float64Array(numel(shape));
  let at = 0;
  for (let n = 0; n < shape[0]; n++)
    for (let o = 0; o < outputs; o++)
      for (let oh = 0; oh < shape[2]; oh++)
        for (let ow = 0; ow < shape[3]; ow++, at++)
          for (let c = 0; c < inputs; c++)
            for (let i = 0; i < kernelH; i++)
              for (let j = 0; j < kernelW; j++) {
                const h = oh * stride[0] - padding[0] + i * dilation[0];
                const w = ow * stride[1] - padding[1] + j * dilation[1];
                if (h < 0 || h >= height || w < 0 || w >= width) continue;
                const channel = Math.floor(o / (outputs / groups)) * inputs + c;
                const value = x[((n * channels + channel) * height + h) * width + w] - zeroPoint;
                y[at] += value * weight[((o * inputs + c) * kernelH + i) * kernelW + j];
              }
  return y;
}

const quantization = ({ zeroPoint, x: [, inputMax] }: Ranges) => ({
  xScale: 1,
  xZeroPoint: zeroPoint,
  inputMax,
});

/** Whether two products always fit 16 bits when they are added. */
const fits = ({ dtype, x, weight }: Ranges) =>
  dtype === 'uint8' && 2 * x[1] * Math.max(-weight[0], weight[1]) < 2 ** 15;

/** The elements of a row-major tensor in another layout. */
function laidOut<T extends Bytes>(
  values: T,
  shape: readonly number[],
  strides: readonly number[],
  target: T,
): T {
  values.forEach((value, index) => {
    let rest = index;
    let at = 0;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      at += (rest % shape[axis]) * strides[axis];
      rest = Math.floor(rest / shape[axis]);
    }
    target[at] = value;
  });
  return target;
}

function convolution(layer: Layer, ranges: Ranges, channelsLast: boolean, kernel = '') {
  const { dtype, zeroPoint } = ranges;
  const { stride = [1, 1], padding = [0, 0], dilation = [1, 1], groups = 1 } = layer;
  const extent = (i: number) =>
    Math.floor((layer.x[2 + i] + 2 * padding[i] - dilation[i] * (layer.weight[2 + i] - 1) - 1) / stride[i]) +
    1;
  const shape = [layer.x[0], layer.weight[0], extent(0), extent(1)];
  const empty = () => (dtype === 'uint8' ? new Uint8Array(numel(layer.x)) : new Int8Array(numel(layer.x)));
  const x = extremes(empty(), ...ranges.x);
  const weight = extremes(new Int8Array(numel(layer.weight)), ...ranges.weight);
  const stridesOf = channelsLast ? channelsLastStrides : rowMajorStrides;
  const y = new Float32Array(numel(shape));
  const implementation = addon.execute(
    {
      op: 'convolution',
      node: 'case',
      attributes: { stride, padding, dilation, groups, kernel, ...quantization(ranges) },
    },
    [
      {
        dtype,
        shape: layer.x,
        strides: stridesOf(layer.x),
        data: laidOut(x, layer.x, stridesOf(layer.x), empty()),
      },
      { dtype: 'int8', shape: layer.weight, data: addon.createConstant('int8', layer.weight, weight) },
    ],
    [{ dtype: 'float32', shape, data: y }],
  );
  const expected = referenceConvolution(layer, x, zeroPoint, weight, shape);
  // Sums below 2^24 are float32 numbers; larger ones round once.
  const wrong = y.filter((value, i) => value !== Math.fround(expected[i])).length;
  const name = `${JSON.stringify(ranges)} ${channelsLast ? 'channels-last' : 'row-major'} ${kernel} ${JSON.stringify(layer)}`;
  // Depthwise layers have no pairs of products.
  const isDepthwise = dtype === 'uint8' && groups === layer.weight[0] && layer.weight[1] === 1;
  if (!isDepthwise && !fits(ranges)) return { name, own: true, implementation, wrong };
  // For other groups oneDNN may have no kernel but its reference, and behind its first kernel there may be its gemm (on
  // AVX-512, not on AVX2): ours are faster than both.
  const hasFast = kernel === '' && (isDepthwise || groups === 1);
  return { name, own: hasFast ? false : undefined, implementation, wrong };
}

function linear(rows: readonly number[], inputs: number, outputs: number, ranges: Ranges) {
  const { dtype, zeroPoint } = ranges;
  const count = numel(rows);
  const x = extremes(
    dtype === 'uint8' ? new Uint8Array(count * inputs) : new Int8Array(count * inputs),
    ...ranges.x,
  );
  const weight = extremes(new Int8Array(outputs * inputs), ...ranges.weight);
  const y = new Float32Array(count * outputs);
  const implementation = addon.execute(
    { op: 'linear', node: 'case', attributes: quantization(ranges) },
    [
      { dtype, shape: [...rows, inputs], data: x },
      {
        dtype: 'int8',
        shape: [outputs, inputs],
        data: addon.createConstant('int8', [outputs, inputs], weight),
      },
    ],
    [{ dtype: 'float32', shape: [...rows, outputs], data: y }],
  );
  let wrong = 0;
  for (let row = 0; row < count; row++)
    for (let o = 0; o < outputs; o++) {
      let sum = 0;
      for (let k = 0; k < inputs; k++) sum += (x[row * inputs + k] - zeroPoint) * weight[o * inputs + k];
      if (y[row * outputs + o] !== Math.fround(sum)) wrong++;
    }
  const name = `linear ${JSON.stringify(ranges)} [${rows}] ${inputs} -> ${outputs}`;
  // Few rows are faster on our own kernels.
  return { name, own: count < 64 || !fits(ranges), implementation, wrong };
}

const full = [-128, 127] as const;
const outcomes = [];
for (const ranges of [
  { dtype: 'uint8', zeroPoint: 0, x: [0, 255], weight: full },
  { dtype: 'uint8', zeroPoint: 255, x: [0, 255], weight: full },
  { dtype: 'uint8', zeroPoint: 131, x: [0, 255], weight: full },
  { dtype: 'int8', zeroPoint: -128, x: full, weight: full },
  { dtype: 'int8', zeroPoint: 3, x: full, weight: full, allKernels: true },
  { dtype: 'int8', zeroPoint: 3, x: [0, 63], weight: [-64, 63] },
  { dtype: 'uint8', zeroPoint: 0, x: [0, 127], weight: full, allKernels: true },
  { dtype: 'uint8', zeroPoint: 61, x: [0, 127], weight: full, allKernels: true },
  { dtype: 'uint8', zeroPoint: 131, x: [0, 255], weight: [-64, 64], allKernels: true },
  { dtype: 'uint8', zeroPoint: 0, x: [0, 255], weight: [-65, 64], allKernels: true },
] as const) {
  for (const layer of layers)
    for (const kernel of ranges.allKernels ? ['', '#1', '#2', '#3'] : [''])
      outcomes.push(convolution(layer, ranges, true, kernel));
  outcomes.push(convolution(layers[2], ranges, false), convolution(layers[7], ranges, false));
  for (const rows of [[1], [7], [2, 3, 5], [130]])
    for (const [inputs, outputs] of [
      [1, 1],
      [33, 17],
      [512, 300],
    ])
      outcomes.push(linear(rows, inputs, outputs, ranges));
}
console.log(JSON.stringify(outcomes));
