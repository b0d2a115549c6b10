import { describe, expect, it } from 'vitest';
import {
  FusedMovingAvgObsFakeQuantize,
  HistogramObserver,
  MovingAverageMinMaxObserver,
  MovingAveragePerChannelMinMaxObserver,
  Tensor,
} from '../../lib/index.ts';
import { seeded } from '../support/reference.ts';
import { channelsLast, runStep } from '../support/steps.ts';

const f32 = Math.fround;
const floats = (values: readonly number[], shape: readonly number[] = [values.length]) =>
  Tensor.from('float32', values, shape);

function stateOf(fake: FusedMovingAvgObsFakeQuantize, shape: readonly number[] = [1]) {
  const state = fake.stateFor(shape);
  return (name: string) => state.get(name)!.toArray() as number[];
}

/** Numbers that PyTorch 2.6 printed for `torch.fused_moving_avg_obs_fake_quant`. */
describe('FusedMovingAvgObsFakeQuantize', () => {
  const activation = () => new FusedMovingAvgObsFakeQuantize({ quantMin: 0, quantMax: 255, eps: 2 ** -12 });

  it('takes the range of the first tensor, and moves by a hundredth from then on', () => {
    const fake = activation();
    fake.forward(floats([-1, 3]));
    const state = stateOf(fake);
    expect(state('scale')[0]).toBeCloseTo(0.0156863, 7);
    expect(state('zero_point')).toEqual([64]);
    fake.forward(floats([-2, 5]));
    expect(state('min_val')).toEqual([f32(-1.01)]);
    expect(state('max_val')[0]).toBeCloseTo(3.02, 6);
  });

  it("has PyTorch's smallest scale, and converts with it, but the observer's under PyTorch 2.6's recipe", () => {
    for (const [recipe, converted] of [
      ['torchao', 6.0999998822808266e-5],
      ['pytorch-2.6', 2 ** -12],
    ] as const) {
      const fake = FusedMovingAvgObsFakeQuantize.withArgs({
        dtype: 'uint8',
        eps: 2 ** -12,
        recipe,
      }).create() as FusedMovingAvgObsFakeQuantize;
      fake.forward(floats([0, 1e-9]));
      expect(stateOf(fake)('scale')[0]).toBe(6.0999998822808266e-5);
      expect(fake.calculateQparams().scale.toArray()).toEqual([converted]);
    }
  });

  it('rounds halves to even and clamps', () => {
    const fake = activation();
    fake.forward(floats([-1, 254])); // a scale of 1, a zero point of 1
    fake.observerEnabled = false;
    const rounded = fake.forward(floats([-7, 0.5, 1.5, 2.5, 300]));
    expect(rounded.toArray()).toEqual([-1, 0, 2, 2, 254]);
  });

  it('lets tensors through, and keeps its range, when switched off', () => {
    const fake = activation();
    fake.forward(floats([-1, 3]));
    fake.observerEnabled = false;
    fake.fakeQuantEnabled = false;
    expect(fake.forward(floats([-9.25, 9])).toArray()).toEqual([-9.25, 9]);
    expect(stateOf(fake)('max_val')).toEqual([3]);
  });

  it('keeps one range a channel, symmetric where the scheme is', () => {
    const fake = new FusedMovingAvgObsFakeQuantize({
      observer: MovingAveragePerChannelMinMaxObserver,
      dtype: 'int8',
      qscheme: 'per_channel_symmetric',
      chAxis: 1,
    });
    const weight = floats([-2.56, 1, 0.5, 1.27, 2, 3], [2, 3]);
    const rounded = fake.forward(weight);
    const state = stateOf(fake, [2, 3]);
    const extremes = [
      [-2.56, 1.27],
      [1, 2],
      [0.5, 3],
    ];
    // Of a range around zero the larger side decides; one that does not hold zero is widened to it.
    const scales = extremes.map(([min, max]) => (min < 0 ? Math.max(-min / 128, max / 127) : max / 255));
    state('scale').forEach((scale, c) => {
      expect(scale).toBeCloseTo(scales[c], 7);
    });
    expect(state('zero_point')).toEqual([0, -128, -128]);
    expect(rounded.shape).toEqual([2, 3]);
    rounded.toArray().forEach((value, i) => {
      expect(Math.abs(Number(value) - Number(weight.data[i]))).toBeLessThanOrEqual(scales[i % 3] / 2 + 1e-7);
    });
  });

  it.each([
    [
      'a histogram',
      () => new FusedMovingAvgObsFakeQuantize({ observer: HistogramObserver }),
      'HistogramObserver',
    ],
    [
      'what is chosen at run time',
      () =>
        new FusedMovingAvgObsFakeQuantize({
          observer: MovingAverageMinMaxObserver.withArgs({ averagingConstant: 1, isDynamic: true }),
        }),
      'chosen at run time',
    ],
  ])('refuses %s', (_, make, message) => {
    expect(make).toThrow(message);
  });

  it('refuses NaN, infinities, other dtypes, other channels, and parameters before the first tensor', () => {
    const fake = activation();
    expect(() => fake.calculateQparams()).toThrow('seen no tensor');
    expect(() => fake.forward(floats([1, Number.NaN]))).toThrow('NaN');
    expect(() => fake.forward(floats([1, Infinity]))).toThrow('no quantization parameters');
    expect(() => fake.forward(Tensor.from('int32', [1]))).toThrow('int32');
    const weights = new FusedMovingAvgObsFakeQuantize({ observer: MovingAveragePerChannelMinMaxObserver });
    weights.forward(floats([1, 2, 3]));
    expect(() => weights.forward(floats([1, 2]))).toThrow('saw 3 channels before, now 2');
  });
});

describe('the steps, in any memory order', () => {
  const random = seeded(3);
  const shape = [2, 5, 30, 61];
  const values = Array.from({ length: 2 * 5 * 30 * 61 }, () => f32(8 * random() - 3));
  const x = floats(values, shape);
  const on = Tensor.from('int64', [1]);
  const none = [floats([Infinity]), floats([-Infinity]), floats([1]), Tensor.from('int32', [0])];
  const state = (channels: number) =>
    (['float32', 'float32', 'float32', 'int32'] as const).map((dtype) => ({ dtype, shape: [channels] }));

  it.each([
    ['row-major', undefined],
    ['channels-last', channelsLast],
  ])('%s: the same numbers, and gradients where nothing was clamped', (_, layout) => {
    const attributes = { axis: -1, quantMin: 0, quantMax: 127, averagingConstant: 0.01, symmetric: false };
    const order = (extents: readonly number[]) =>
      layout && extents.length === 4 ? layout(extents) : extents.map((__, i) => sizeAfter(extents, i));
    const outputs = [{ dtype: 'float32' as const, shape }, ...state(1)];
    const inputs = [x, on, on, ...none];
    const { results } = runStep({ op: 'fake_quantize', attributes }, inputs, outputs, order);
    const [rounded, min, max, scale, zeroPoint] = results.map((tensor) => tensor.toArray() as number[]);
    expect([min[0], max[0]]).toEqual([Math.min(...values), Math.max(...values)]);
    const [s, z] = [scale[0], zeroPoint[0]];
    expect(s).toBe(f32((max[0] - min[0]) / 127));
    const inverse = f32(1 / s);
    const integers = values.map((value) => roundHalfToEven(f32(value * inverse)) + z);
    rounded.forEach((value, i) => {
      expect(value).toBe(f32((Math.min(Math.max(integers[i], 0), 127) - z) * s));
    });
    const narrow = { axis: -1, quantMin: 20, quantMax: 90 };
    const gradient = runStep(
      { op: 'fake_quantize_gradient', attributes: narrow },
      [x, x, on, results[3], results[4]],
      [outputs[0]],
      order,
    ).results[0].toArray();
    gradient.forEach((value, i) => {
      expect(value).toBe(integers[i] >= 20 && integers[i] <= 90 ? values[i] : 0);
    });
  });
});

const sizeAfter = (shape: readonly number[], axis: number) =>
  shape.slice(axis + 1).reduce((a, b) => a * b, 1);

function roundHalfToEven(value: number): number {
  const rounded = Math.round(value);
  return rounded - value === 0.5 && rounded % 2 !== 0 ? rounded - 1 : rounded;
}
