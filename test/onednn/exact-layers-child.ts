// Int8 layers with the largest values there are, against sums of whole numbers in double precision. Prints how many
// elements of each case are wrong.

import { channelsLastStrides } from '../../lib/lowering/plan/strides.ts';
import { addon } from '../../lib/onednn/addon.ts';
import { rowMajorStrides } from '../../lib/tensor/index.ts';

let state = 1;
/** A linear congruential generator (Numerical Recipes): 0 <= value < 1. */
function random(): number {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return state / 2 ** 32;
}

type Bytes = Uint8Array | Int8Array;
const numel = (shape: readonly number[]) => shape.reduce((a, b) => a * b, 1);

/** Half of the values lie at the ends of the range, where pairs of products leave 16 bits. */
function extremes<T extends Bytes>(values: T, low: number, high: number): T {
  for (let i = 0; i < values.length; i++)
    values[i] =
      random() < 0.5 ? (random() < 0.5 ? low : high) : Math.floor(low + random() * (high - low + 1));
  return values;
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

function convolution(layer: Layer, dtype: 'uint8' | 'int8', zeroPoint: number, channelsLast: boolean) {
  const { stride = [1, 1], padding = [0, 0], dilation = [1, 1], groups = 1 } = layer;
  const extent = (i: number) =>
    Math.floor((layer.x[2 + i] + 2 * padding[i] - dilation[i] * (layer.weight[2 + i] - 1) - 1) / stride[i]) +
    1;
  const shape = [layer.x[0], layer.weight[0], extent(0), extent(1)];
  const empty = () => (dtype === 'uint8' ? new Uint8Array(numel(layer.x)) : new Int8Array(numel(layer.x)));
  const [low, high] = dtype === 'uint8' ? [0, 255] : [-128, 127];
  const x = extremes(empty(), low, high);
  const weight = extremes(new Int8Array(numel(layer.weight)), -128, 127);
  const stridesOf = channelsLast ? channelsLastStrides : rowMajorStrides;
  const y = new Float32Array(numel(shape));
  const implementation = addon.execute(
    {
      op: 'convolution',
      node: 'case',
      attributes: { stride, padding, dilation, groups, xScale: 1, xZeroPoint: zeroPoint },
    },
    [
      {
        dtype,
        shape: layer.x,
        strides: stridesOf(layer.x),
        data: laidOut(x, layer.x, stridesOf(layer.x), empty()),
      },
      { dtype: 'int8', shape: layer.weight, data: weight },
    ],
    [{ dtype: 'float32', shape, data: y }],
  );
  const expected = referenceConvolution(layer, x, zeroPoint, weight, shape);
  // Sums below 2^24 are float32 numbers; larger ones round once.
  const wrong = y.filter((value, i) => value !== Math.fround(expected[i])).length;
  const name = `${dtype} ${zeroPoint} ${channelsLast ? 'channels-last' : 'row-major'} ${JSON.stringify(layer)}`;
  return { name, implementation, wrong };
}

function linear(
  rows: readonly number[],
  inputs: number,
  outputs: number,
  dtype: 'uint8' | 'int8',
  zeroPoint: number,
) {
  const [low, high] = dtype === 'uint8' ? [0, 255] : [-128, 127];
  const count = numel(rows);
  const x = extremes(
    dtype === 'uint8' ? new Uint8Array(count * inputs) : new Int8Array(count * inputs),
    low,
    high,
  );
  const weight = extremes(new Int8Array(outputs * inputs), -128, 127);
  const y = new Float32Array(count * outputs);
  const implementation = addon.execute(
    { op: 'linear', node: 'case', attributes: { xScale: 1, xZeroPoint: zeroPoint } },
    [
      { dtype, shape: [...rows, inputs], data: x },
      { dtype: 'int8', shape: [outputs, inputs], data: weight },
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
  return { name: `linear ${dtype} ${zeroPoint} [${rows}] ${inputs} -> ${outputs}`, implementation, wrong };
}

const outcomes = [];
for (const [dtype, zeroPoint] of [
  ['uint8', 0],
  ['uint8', 255],
  ['uint8', 131],
  ['int8', -128],
  ['int8', 3],
] as const) {
  for (const layer of layers) outcomes.push(convolution(layer, dtype, zeroPoint, true));
  outcomes.push(
    convolution(layers[2], dtype, zeroPoint, false),
    convolution(layers[7], dtype, zeroPoint, false),
  );
  for (const rows of [[1], [7], [2, 3, 5], [130]])
    for (const [inputs, outputs] of [
      [1, 1],
      [33, 17],
      [512, 300],
    ])
      outcomes.push(linear(rows, inputs, outputs, dtype, zeroPoint));
}
console.log(JSON.stringify(outcomes));
