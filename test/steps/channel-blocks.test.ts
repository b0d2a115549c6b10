// Native steps on float32 images whose channels lie in blocks of eight, [N, C / 8, H, W, 8], against float64.
import { describe, expect, test } from 'vitest';
import { addon } from '../../lib/native/addon.ts';
import { rowMajorStrides } from '../../lib/tensor/index.ts';
import type { Layer } from '../support/layers.ts';
import { convolutionSums, seeded } from '../support/reference.ts';

type Order = 'blocks' | 'a slice of blocks' | 'row-major' | 'channels-last';

/** An image in memory: `values` are its elements, row-major. */
class Image {
  readonly shape: readonly number[];
  readonly order: Order;
  readonly data: Float32Array;

  constructor(shape: readonly number[], order: Order) {
    this.shape = shape;
    this.order = order;
    this.data = new Float32Array(shape[0] * this.#strides()[0]).fill(Number.NaN);
  }

  static of(values: ArrayLike<number>, shape: readonly number[], order: Order): Image {
    const image = new Image(shape, order);
    for (let i = 0; i < values.length; i++) image.data[image.#offset(i)] = values[i];
    return image;
  }

  get values(): number[] {
    const [n, c, h, w] = this.shape;
    return Array.from({ length: n * c * h * w }, (_, i) => this.data[this.#offset(i)]);
  }

  get operand() {
    const [n, c, h, w] = this.shape;
    const shape = this.order.endsWith('blocks') ? [n, c / 8, h, w, 8] : this.shape;
    return { dtype: 'float32', shape, strides: this.#strides(), data: this.data } as const;
  }

  #strides(): number[] {
    const [, c, h, w] = this.shape;
    if (this.order === 'row-major') return [c * h * w, h * w, w, 1];
    if (this.order === 'channels-last') return [c * h * w, 1, w * c, c];
    const channels = this.order === 'blocks' ? c : c + 16;
    return [channels * h * w, 8 * h * w, 8 * w, 8, 1];
  }

  #offset(i: number): number {
    const [, c, h, w] = this.shape;
    const at = [Math.floor(i / (c * h * w)), Math.floor(i / (h * w)) % c, Math.floor(i / w) % h, i % w];
    const index = this.order.endsWith('blocks') ? [at[0], at[1] >> 3, at[2], at[3], at[1] & 7] : at;
    return this.#strides().reduce((offset, stride, axis) => offset + stride * index[axis], 0);
  }
}

const between = (random: () => number, count: number) =>
  Float32Array.from({ length: count }, () => 2 * random() - 1);

const numel = (shape: readonly number[]) => shape.reduce((product, extent) => product * extent, 1);

/**
 * Sums of up to 400 products of numbers below 1 pass 20, where float32 has steps of 2e-6: their roundings add up to some
 * 2e-5. What lies in the wrong place is off by more than 1e-2.
 */
function expectClose(actual: readonly number[], exact: ArrayLike<number>): void {
  expect(actual).toHaveLength(exact.length);
  const worst = actual.reduce((most, value, i) => Math.max(most, Math.abs(value - exact[i])), 0);
  expect(worst).toBeLessThan(5e-5);
}

const layers: readonly Layer[] = [
  ...[8, 16, 24, 40].flatMap((channels): Layer[] => [
    { name: `${channels} channels`, x: [2, channels, 7, 9], weight: [16, channels, 3, 3], padding: 1 },
    { name: `to ${channels} channels`, x: [1, 8, 5, 5], weight: [channels, 8, 3, 3], stride: 2 },
    {
      name: `${channels} one by one`,
      x: [2, channels, 9, 7],
      weight: [channels, 1, 3, 3],
      padding: 1,
      groups: channels,
    },
    { name: `${channels} by pixels`, x: [2, channels, 6, 5], weight: [24, channels, 1, 1] },
  ]),
  { name: 'stride 2 by pixels', x: [2, 16, 7, 7], weight: [8, 16, 1, 1], stride: 2 },
  { name: 'dilation', x: [1, 16, 9, 9], weight: [8, 16, 3, 3], padding: 2, dilation: 2 },
  { name: 'groups of whole blocks', x: [2, 32, 6, 7], weight: [16, 16, 3, 3], padding: 1, groups: 2 },
  { name: 'groups of half blocks', x: [1, 16, 6, 7], weight: [16, 4, 3, 3], padding: 1, groups: 4 },
  {
    name: 'padding beyond what has a fast kernel',
    x: [1, 16, 6, 7],
    weight: [16, 16, 3, 3],
    padding: 5,
    dilation: 2,
  },
  { name: 'an image of 3 channels', x: [2, 3, 9, 8], weight: [16, 3, 3, 3], stride: 2, padding: 1 },
  { name: 'an image of 12 channels', x: [2, 12, 9, 8], weight: [16, 12, 3, 3], padding: 1 },
  { name: 'to 12 channels', x: [2, 16, 5, 6], weight: [12, 16, 3, 3], padding: 1 },
  { name: 'to one pixel', x: [2, 16, 3, 3], weight: [8, 16, 3, 3] },
];

describe.each<[Order, Order]>([
  ['blocks', 'blocks'],
  ['row-major', 'blocks'],
  ['channels-last', 'blocks'],
  ['blocks', 'channels-last'],
  ['blocks', 'row-major'],
  ['a slice of blocks', 'blocks'],
  ['blocks', 'a slice of blocks'],
])('convolution from %s to %s', (from, to) => {
  const whole = (order: Order, channels: number) => !order.endsWith('blocks') || channels % 8 === 0;
  const fitting = layers.filter(({ x, weight }) => whole(from, x[1]) && whole(to, weight[0]));

  test.each(fitting)('$name', ({ x, weight, stride = 1, padding = 0, dilation = 1, groups = 1 }) => {
    const random = seeded(7);
    const [input, kernel] = [x, weight].map((shape) => between(random, numel(shape)));
    const bias = between(random, weight[0]);
    const pairs = { stride: [stride, stride], padding: [padding, padding], dilation: [dilation, dilation] };
    const reference = { x: input, xShape: x, xZeroPoint: 0, weight: kernel, weightShape: weight, groups };
    const { sums, shape } = convolutionSums({ ...reference, ...pairs, paddingEnd: pairs.padding });
    const addend = between(random, sums.length);
    const output = new Image(shape, to);
    addon.execute(
      {
        op: 'convolution',
        node: 'test',
        attributes: { ...pairs, groups, hasBias: true, binary: 'sum', unary: 'relu' },
      },
      [
        Image.of(input, x, from).operand,
        { dtype: 'float32', shape: weight, data: kernel },
        { dtype: 'float32', shape: [weight[0]], data: bias },
        Image.of(addend, shape, to).operand,
      ],
      [output.operand],
    );
    const pixels = shape[2] * shape[3];
    const exact = sums.map((sum, i) =>
      Math.max(0, sum + bias[Math.floor(i / pixels) % weight[0]] + addend[i]),
    );
    expectClose(output.values, exact);
  });
});

describe('other steps', () => {
  const x = [2, 16, 7, 5];
  const input = between(seeded(3), numel(x));
  const at = (n: number, c: number, h: number, w: number) => input[((n * 16 + c) * 7 + h) * 5 + w];
  const windows: Record<string, (position: number, extent: number) => [number, number]> = {
    max: (i, extent) => [Math.max(0, 2 * i - 1), Math.min(extent, 2 * i + 2)],
    avg_exclude_padding: (i, extent) => [Math.max(0, 2 * i - 1), Math.min(extent, 2 * i + 2)],
    avg_adaptive: (i, extent) => [Math.floor((i * extent) / 2), Math.ceil(((i + 1) * extent) / 2)],
    global: (_, extent) => [0, extent],
  };

  test.each([
    { algorithm: 'max', size: [4, 3], order: 'blocks' },
    { algorithm: 'avg_exclude_padding', size: [4, 3], order: 'blocks' },
    { algorithm: 'avg_adaptive', size: [2, 2], order: 'blocks' },
    { algorithm: 'avg_adaptive', size: [1, 1], order: 'row-major' },
    { algorithm: 'avg_adaptive', size: [1, 1], order: 'blocks' },
  ] as const)('$algorithm pooling to $size', ({ algorithm, size, order }) => {
    const output = new Image([2, 16, ...size], order);
    const pairs = { kernel: [3, 3], stride: [2, 2], padding: [1, 1] };
    const attributes = algorithm === 'avg_adaptive' ? { algorithm } : { algorithm, ...pairs };
    const step = { op: 'pool', node: 'test', attributes };
    addon.execute(step, [Image.of(input, x, 'blocks').operand], [output.operand]);
    const window = windows[size[0] === 1 ? 'global' : algorithm];
    const exact = Array.from({ length: 32 * size[0] * size[1] }, (_, i) => {
      const [top, bottom] = window(Math.floor(i / size[1]) % size[0], 7);
      const [left, right] = window(i % size[1], 5);
      const channel = Math.floor(i / (size[0] * size[1]));
      const values: number[] = [];
      for (let h = top; h < bottom; h++)
        for (let w = left; w < right; w++) values.push(at(channel >> 4, channel & 15, h, w));
      return algorithm === 'max' ? Math.max(...values) : values.reduce((a, b) => a + b) / values.length;
    });
    expectClose(output.values, exact);
  });

  test.each<Order>(['blocks', 'a slice of blocks'])('batch normalization of %s', (order) => {
    const random = seeded(5);
    const [mean, weight, bias] = [0, 0, 0].map(() => between(random, 16));
    const variance = between(random, 16).map((value) => value + 1.5);
    const output = new Image(x, 'blocks');
    const attributes = { eps: 1e-5, hasWeight: true, hasBias: true };
    const parameters = [mean, variance, weight, bias].map(
      (data) => ({ dtype: 'float32', shape: [16], data }) as const,
    );
    const step = { op: 'batch_norm', node: 'test', attributes };
    addon.execute(step, [Image.of(input, x, order).operand, ...parameters], [output.operand]);
    const exact = Array.from(input, (value, i) => {
      const c = Math.floor(i / 35) % 16;
      return ((value - mean[c]) / Math.sqrt(variance[c] + 1e-5)) * weight[c] + bias[c];
    });
    expectClose(output.values, exact);
  });

  test.each([1, 8, 3, 64, 65])('operands that repeat after %i elements', (period) => {
    // Rows longer than one chunk of the loop, and with a rest.
    const repetitions = Math.ceil(1300 / period) + 1;
    const random = seeded(9);
    const count = 3 * repetitions * period;
    const [a, b] = [between(random, count), between(random, 3 * period)];
    const c = new Float32Array(count);
    const shape = [3, repetitions, period];
    addon.execute(
      { op: 'binary', node: 'test', attributes: { algorithm: 'sub' } },
      [
        { dtype: 'float32', shape, data: a },
        { dtype: 'float32', shape: [3, 1, period], data: b },
      ],
      [{ dtype: 'float32', shape, data: c }],
    );
    const row = repetitions * period;
    expectClose(
      Array.from(c),
      Array.from(a, (value, i) => value - b[Math.floor(i / row) * period + (i % period)]),
    );
  });
});

describe('what is refused', () => {
  const blocks = (shape: readonly number[], strides = rowMajorStrides(shape)) =>
    ({ dtype: 'float32', shape, strides, data: new Float32Array(4096) }) as const;
  const attributes = { stride: [1, 1], padding: [0, 0], dilation: [1, 1] };
  const convolve = (x: ReturnType<typeof blocks>, y: ReturnType<typeof blocks>) =>
    addon.execute(
      { op: 'convolution', node: 'test', attributes },
      [x, { dtype: 'float32', shape: [16, 16, 1, 1], data: new Float32Array(256) }],
      [y],
    );

  test('blocks of another size', () => {
    expect(() => convolve(blocks([1, 4, 3, 3, 4]), blocks([1, 2, 3, 3, 8]))).toThrow(
      /float32\[1, 4, 3, 3, 4\] should have blocks of 8 channels innermost/,
    );
  });

  test('other channels than the weight has', () => {
    expect(() => convolve(blocks([1, 3, 3, 3, 8]), blocks([1, 2, 3, 3, 8]))).toThrow(
      /needs 16 input channels, the input has 24/,
    );
    expect(() => convolve(blocks([1, 2, 3, 3, 8]), blocks([1, 3, 3, 3, 8]))).toThrow(
      /the output must be float32\[1, 16, 3, 3\]/,
    );
  });

  test('other dtypes', () => {
    const x = { dtype: 'uint8', shape: [1, 2, 3, 3, 8], data: new Uint8Array(144) } as const;
    const weight = { dtype: 'int8', shape: [16, 16, 1, 1], data: new Int8Array(256) } as const;
    const scales = { xScale: 1, weightScales: [1] };
    const step = { op: 'convolution', node: 'test', attributes: { ...attributes, ...scales } };
    expect(() => addon.execute(step, [x, weight], [blocks([1, 2, 3, 3, 8])])).toThrow(
      /channels in blocks are for float32 alone, got uint8/,
    );
  });

  test('pooling of blocks that lie apart', () => {
    const step = {
      op: 'pool',
      node: 'test',
      attributes: { algorithm: 'max', kernel: [2, 2], stride: [1, 1] },
    };
    const apart = blocks([2, 2, 3, 3, 8], [288, 72, 24, 8, 1]);
    expect(() => addon.execute(step, [apart], [blocks([2, 2, 2, 2, 8])])).toThrow(
      /the blocks of float32\[2, 2, 3, 3, 8\] must follow each other evenly/,
    );
    expect(() => addon.execute(step, [blocks([1, 2, 3, 3, 8])], [blocks([1, 12, 2, 2])])).toThrow(
      /float32\[1, 12, 2, 2\] has no whole blocks of 8 channels/,
    );
  });
});
