import { describe, expect, it } from 'vitest';
import {
  type QConvOptions,
  qconv1dPointwise,
  qconv2dPointwise,
  qconv2dPointwiseBinary,
  qconvPrepack,
} from '../../lib/onednn/index.ts';
import { Tensor } from '../../lib/tensor/index.ts';
import {
  type Output,
  outputs,
  pairs,
  type Quantized,
  randomAddend,
  ranges,
  sizeOf,
  unaries,
  unaryOf,
} from '../support/layers.ts';
import { convolutionSums, finish, firstMismatch, integers, seeded, valuesOf } from '../support/reference.ts';

interface Shape {
  readonly name: string;
  readonly x: readonly number[];
  readonly weight: readonly number[];
  readonly options?: Partial<QConvOptions>;
}

const plain: Shape = { name: '3x3', x: [2, 32, 7, 7], weight: [24, 32, 3, 3], options: { padding: 1 } };
const depthwise: Shape = {
  name: 'depthwise 3x3',
  x: [1, 32, 9, 9],
  weight: [32, 1, 3, 3],
  options: { groups: 32, padding: 1 },
};
const oddDepthwise: Shape = {
  name: 'depthwise, odd channels',
  x: [1, 19, 6, 6],
  weight: [19, 1, 3, 3],
  options: { groups: 19, padding: 1 },
};

// oneDNN describes kernels for these that it cannot compile with some functions.
const fewChannels: Shape = {
  name: 'few channels a group',
  x: [1, 16, 7, 7],
  weight: [32, 4, 3, 3],
  options: { groups: 4, padding: 1 },
};

const shapes: readonly Shape[] = [
  plain,
  depthwise,
  fewChannels,
  { name: 'pointwise', x: [1, 64, 7, 7], weight: [96, 64, 1, 1] },
  { name: 'pointwise, odd channels', x: [1, 17, 5, 6], weight: [9, 17, 1, 1] },
  { name: 'pointwise, stride 2', x: [2, 64, 8, 8], weight: [32, 64, 1, 1], options: { stride: 2 } },
  { name: 'stem', x: [1, 3, 20, 20], weight: [16, 3, 7, 7], options: { stride: 2, padding: 3 } },
  { name: 'one channel', x: [3, 1, 12, 12], weight: [8, 1, 3, 3], options: { padding: 1 } },
  { name: 'wide', x: [1, 64, 14, 14], weight: [64, 64, 3, 3], options: { padding: 1 } },
  { name: 'dilated', x: [1, 16, 11, 11], weight: [16, 16, 3, 3], options: { padding: 2, dilation: 2 } },
  {
    name: 'uneven padding, stride and dilation',
    x: [1, 16, 9, 12],
    weight: [20, 16, 3, 2],
    options: { stride: [2, 1], padding: [0, 2], paddingEnd: [3, 1], dilation: [1, 3] },
  },
  { name: 'two groups', x: [1, 32, 6, 6], weight: [64, 16, 3, 3], options: { groups: 2, padding: 1 } },
  { name: 'many groups', x: [1, 32, 6, 6], weight: [32, 4, 3, 3], options: { groups: 8, padding: 1 } },
  {
    name: 'depthwise 5x5',
    x: [1, 24, 9, 9],
    weight: [24, 1, 5, 5],
    options: { groups: 24, padding: 2, stride: 2 },
  },
  oddDepthwise,
  { name: 'channel multiplier', x: [1, 8, 6, 6], weight: [16, 1, 3, 3], options: { groups: 8, padding: 1 } },
  // Kernels of oneDNN 2.6, 3.7 or 3.12 are wrong on each of these (convolution_faults.cc says how).
  { name: 'edges of padding alone', x: [1, 32, 8, 8], weight: [16, 32, 1, 1], options: { padding: 1 } },
  { name: 'one column', x: [1, 8, 14, 3], weight: [16, 8, 3, 3], options: { stride: 2 } },
  { name: 'tall kernel', x: [1, 64, 3, 140], weight: [10, 64, 3, 1], options: { padding: [1, 0] } },
  { name: '36 pixels', x: [1, 64, 6, 6], weight: [16, 64, 1, 1] },
  { name: 'stride beyond the kernel', x: [1, 32, 17, 17], weight: [16, 32, 2, 3], options: { stride: 3 } },
  { name: 'depthwise whole image', x: [1, 32, 5, 5], weight: [32, 1, 5, 5], options: { groups: 32 } },
  { name: 'long rows', x: [1, 16, 2, 200], weight: [16, 16, 1, 5], options: { padding: [0, 2] } },
  {
    name: 'dilated beyond the edge',
    x: [1, 64, 28, 28],
    weight: [8, 64, 3, 3],
    options: { padding: 2, dilation: 2 },
  },
  {
    name: 'much padding',
    x: [1, 32, 9, 9],
    weight: [16, 32, 3, 3],
    options: { padding: 4, dilation: 4 },
  },
  {
    name: 'padding in a tall kernel',
    x: [1, 40, 9, 9],
    weight: [16, 40, 5, 3],
    options: { padding: [4, 1] },
  },
  {
    name: 'mostly padding',
    x: [1, 64, 7, 7],
    weight: [24, 64, 3, 3],
    options: { padding: 6, dilation: 6 },
  },
  {
    name: 'wide kernel on a narrow image',
    x: [1, 16, 7, 15],
    weight: [24, 16, 1, 9],
    options: { padding: [0, 8], dilation: [1, 2] },
  },
  {
    name: 'depthwise 4x2',
    x: [1, 32, 9, 9],
    weight: [32, 1, 4, 2],
    options: { groups: 32, padding: [1, 0] },
  },
  { name: 'whole image', x: [2, 16, 4, 4], weight: [10, 16, 4, 4] },
  { name: 'single pixel', x: [2, 40, 1, 1], weight: [10, 40, 1, 1] },
];

interface Case {
  readonly shape: Shape;
  readonly input: Quantized;
  readonly output: Output;
  readonly seed: number;
  readonly unary?: string;
  readonly addend?: Output;
  readonly variant?: Partial<Record<'perTensor' | 'noBias' | 'noZeroPoint', boolean>>;
}

const pair = (value: number | readonly number[] = 0): readonly number[] =>
  typeof value === 'number' ? [value, value] : value;

/** What went wrong in one random problem of a case, or undefined. */
function problemOf(c: Case): string | undefined {
  const random = seeded(c.seed);
  const { x: xShape, weight: weightShape, options = {} } = c.shape;
  const [low, high] = ranges[c.input];
  const x = Tensor.from(c.input, integers(random, sizeOf(xShape), low, high), xShape);
  const weight = Tensor.from('int8', integers(random, sizeOf(weightShape), -127, 127), weightShape);
  const channels = weightShape[0];
  const xZeroPoint = c.variant?.noZeroPoint ? 0 : integers(random, 1, low, high)[0];
  const xScale = Math.fround(0.02 + 0.01 * random());
  // Results of some units' size: functions are exercised where they bend.
  const spread = 3 / (xScale * 74 * 74 * Math.sqrt(sizeOf(weightShape.slice(1))));
  const wScale = Array.from({ length: c.variant?.perTensor ? 1 : channels }, () =>
    Math.fround(spread * (0.5 + random())),
  );
  const bias = c.variant?.noBias
    ? undefined
    : Array.from({ length: channels }, () => Math.fround(4 * random() - 2));
  const geometry = {
    stride: pair(options.stride ?? 1),
    padding: pair(options.padding),
    paddingEnd: pair(options.paddingEnd ?? options.padding),
    dilation: pair(options.dilation ?? 1),
    groups: options.groups ?? 1,
  };
  const { sums, shape } = convolutionSums({
    x: x.data as Uint8Array,
    xShape,
    xZeroPoint,
    weight: weight.data as Int8Array,
    weightShape,
    ...geometry,
  });
  const quantizes = c.output === 'uint8' || c.output === 'int8';
  const outputScale = quantizes ? Math.fround(0.03 + 0.02 * random()) : 1;
  const outputZeroPoint =
    quantizes && !c.variant?.noZeroPoint ? integers(random, 1, ...ranges[c.output as Quantized])[0] : 0;
  const unary = c.unary ?? 'none';
  const call = {
    ...geometry,
    xScale,
    xZeroPoint,
    bias: bias ? Tensor.from('float32', bias) : null,
    outputScale,
    outputZeroPoint,
    outputDtype: c.output,
    unary: unaryOf(unary),
  };
  const packed = qconvPrepack(weight, wScale);
  let actual: Tensor;
  let addend: ((i: number) => number) | undefined;
  if (c.addend) {
    const accum = randomAddend(c.addend, shape, random);
    const before = accum.tensor.toArray();
    const values = valuesOf(accum.tensor);
    addend = (i) => (values[i] - accum.zeroPoint) * accum.scale;
    actual = qconv2dPointwiseBinary(x, packed, accum.tensor, {
      ...call,
      accumScale: accum.scale,
      accumZeroPoint: accum.zeroPoint,
    });
    expect(accum.tensor.toArray(), 'qaccum is left alone').toEqual(before);
  } else {
    actual = qconv2dPointwise(x, packed, call);
  }
  expect(actual.shape).toEqual(shape);
  expect(actual.dtype).toBe(c.output);
  const plane = shape[2] * shape[3];
  const channelOf = (i: number) => Math.floor(i / plane) % channels;
  const exact = finish(
    sums,
    channelOf,
    wScale.map((scale) => scale * xScale),
    bias,
    addend,
    unary,
  );
  return firstMismatch(actual, exact, outputScale, outputZeroPoint);
}

/** Every failing case of a list, by name. */
function failures(cases: readonly Case[]): string[] {
  return cases.flatMap((c) => {
    const problem = problemOf(c);
    const { shape, input, output, unary = 'none', addend = 'none', variant = {} } = c;
    return problem
      ? [`${shape.name} ${input}->${output} ${unary} +${addend} ${JSON.stringify(variant)}: ${problem}`]
      : [];
  });
}

describe('qconv2dPointwise', () => {
  it.each(shapes)('$name: every input and output dtype', (shape) => {
    expect(failures(pairs.map((dtypes, seed) => ({ shape, ...dtypes, seed })))).toEqual([]);
  });

  it.each(['perTensor', 'noBias', 'noZeroPoint'] as const)('%s', (flag) => {
    const cases = shapes.map((shape, i) => ({
      shape,
      ...pairs[i % 8],
      seed: 50 + i,
      variant: { [flag]: true },
    }));
    expect(failures(cases)).toEqual([]);
  });

  it.each(unaries)('then %s', (unary) => {
    const cases = [plain, depthwise, fewChannels].flatMap((shape) =>
      pairs.map((dtypes, seed) => ({ shape, ...dtypes, seed: 100 + seed, unary })),
    );
    expect(failures(cases)).toEqual([]);
  });
});

describe('qconv2dPointwiseBinary', () => {
  const combinations = outputs.flatMap((addend) =>
    ['none', 'relu', 'hardswish'].map((unary) => ({ addend, unary })),
  );
  it.each(combinations)('plus $addend, then $unary', ({ addend, unary }) => {
    const cases = [plain, depthwise, oddDepthwise].flatMap((shape) =>
      pairs.map((dtypes, seed) => ({ shape, ...dtypes, seed: 200 + seed, addend, unary })),
    );
    expect(failures(cases)).toEqual([]);
  });

  it('without a bias, on every shape', () => {
    const cases = shapes.flatMap((shape, i) =>
      outputs.map((addend, j) => ({
        shape,
        ...pairs[(i + 3 * j) % 8],
        seed: 300 + i,
        addend,
        unary: 'relu',
        variant: { noBias: true },
      })),
    );
    expect(failures(cases)).toEqual([]);
  });
});

describe('qconv1dPointwise', () => {
  it.each([
    { name: 'plain', x: [2, 16, 30], weight: [24, 16, 5], options: { padding: 2, stride: 2 } },
    { name: 'dilated', x: [1, 16, 30], weight: [24, 16, 3], options: { padding: 4, dilation: 4 } },
    { name: 'depthwise', x: [1, 20, 30], weight: [20, 1, 3], options: { groups: 20, padding: 1 } },
    { name: 'causal', x: [1, 20, 30], weight: [12, 20, 3], options: { padding: 2, paddingEnd: 0 } },
  ])('$name', ({ x: xShape, weight: weightShape, options }) => {
    for (const [seed, { input, output }] of pairs.entries()) {
      const random = seeded(400 + seed);
      const x = Tensor.from(input, integers(random, sizeOf(xShape), ...ranges[input]), xShape);
      const weight = Tensor.from('int8', integers(random, sizeOf(weightShape), -127, 127), weightShape);
      const [xScale, wScale, xZeroPoint] = [0.02, 0.001, 9].map(Math.fround);
      const quantizes = output === 'uint8' || output === 'int8';
      const outputScale = quantizes ? 0.25 : 1;
      const outputZeroPoint = quantizes ? 11 : 0;
      const actual = qconv1dPointwise(x, qconvPrepack(weight, wScale), {
        ...options,
        xScale,
        xZeroPoint,
        outputScale,
        outputZeroPoint,
        outputDtype: output,
      });
      const flat = (one: number, value = one) => [one, value];
      const { sums, shape } = convolutionSums({
        x: x.data as Uint8Array,
        xShape: [xShape[0], xShape[1], 1, xShape[2]],
        xZeroPoint,
        weight: weight.data as Int8Array,
        weightShape: [weightShape[0], weightShape[1], 1, weightShape[2]],
        stride: flat(1, options.stride),
        padding: flat(0, options.padding),
        paddingEnd: flat(0, options.paddingEnd ?? options.padding),
        dilation: flat(1, options.dilation),
        groups: options.groups ?? 1,
      });
      expect(actual.shape).toEqual([shape[0], shape[1], shape[3]]);
      const exact = finish(sums, () => 0, [xScale * wScale], undefined, undefined, 'none');
      expect(
        firstMismatch(actual, exact, outputScale, outputZeroPoint),
        `${input}->${output}`,
      ).toBeUndefined();
    }
  });
});
