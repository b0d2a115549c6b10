import { describe, expect, it } from 'vitest';
import {
  FusedMovingAvgObsFakeQuantize,
  LearnableFakeQuantize,
  MovingAverageMSEObserver,
  MovingAveragePerChannelMSEObserver,
  Tensor,
  type UniformObserverArgs,
} from '../../lib/index.ts';
import { random } from '../support/graph-builder.ts';

/** Bell-shaped values with a few outliers: sums of uniform ones, and every fiftieth times four. */
function values(count: number, seed: number, shift = 0): number[] {
  const next = random(seed);
  return Array.from({ length: count }, (_, i) => {
    const sum = Array.from({ length: 6 }, next).reduce((a, b) => a + b, 0) - 3 + shift;
    return Math.fround(i % 50 === 7 ? 4 * sum : sum);
  });
}

/** The squared error in float64 of a part of the range. */
function errorOf(data: readonly number[], part: number, args: UniformObserverArgs): number {
  const { quantMin = 0, quantMax = 255, qscheme } = args;
  const [min, max] = [part * Math.min(0, ...data), part * Math.max(0, ...data)];
  const steps = quantMax - quantMin;
  const isSymmetric = qscheme?.endsWith('symmetric') === true;
  const scale = isSymmetric ? Math.max(-min, max) / (steps / 2) : (max - min) / steps;
  const zero = isSymmetric ? 0 : quantMin - Math.round(min / scale);
  return data.reduce((sum, value) => {
    const integer = Math.min(Math.max(Math.round(value / scale) + zero, quantMin), quantMax);
    return sum + ((integer - zero) * scale - value) ** 2;
  }, 0);
}

/** The part that was chosen must be as good as any: the errors of float32 scales and sums differ by 1e-5. */
function expectLeast(data: readonly number[], max: number, args: UniformObserverArgs): void {
  const chosen = max / Math.max(...data);
  expect(Math.abs(chosen * 32 - Math.round(chosen * 32))).toBeLessThan(1e-4);
  const errors = Array.from({ length: 32 }, (_, i) => errorOf(data, (i + 1) / 32, args));
  expect(errorOf(data, chosen, args)).toBeLessThan(Math.min(...errors) * (1 + 1e-4));
}

const signed = (bits: number) => ({
  dtype: 'int8' as const,
  quantMin: -(2 ** (bits - 1)),
  quantMax: 2 ** (bits - 1) - 1,
});

describe('observers of the least squared error', () => {
  it.each([2, 3, 4, 8])('per channel, %i bits', (bits) => {
    const args = { ...signed(bits), qscheme: 'per_channel_symmetric' as const };
    const channels = [0, 1, 2, 3].map((channel) => values(9 * 61, channel + 1));
    const observer = new MovingAveragePerChannelMSEObserver(args);
    observer.forward(Tensor.from('float32', channels.flat(), [4, 61, 3, 3]));
    channels.forEach((data, c) => {
      expectLeast(data, observer.maxVal[c], args);
    });
    // The narrower the fewer bits there are.
    if (bits < 8) expect(observer.maxVal[0]).toBeLessThan(Math.max(...channels[0]));
  });

  it.each([4, 8])('per tensor, affine, %i bits', (bits) => {
    const args = { quantMin: 0, quantMax: 2 ** bits - 1 };
    const data = values(40_000, 5, 2);
    const observer = new MovingAverageMSEObserver(args);
    observer.forward(Tensor.from('float32', data, [4, 100, 100]));
    expectLeast(data, observer.maxVal[0], args);
  });

  it('along another axis', () => {
    const args = { ...signed(3), qscheme: 'per_channel_symmetric' as const, chAxis: 1 };
    const [first, second] = [values(300, 6), values(300, 7).map((value) => 10 * value)];
    const observer = new MovingAveragePerChannelMSEObserver(args);
    const both = first.flatMap((value, i) => [value, second[i]]);
    observer.forward(Tensor.from('float32', both, [300, 2]));
    [first, second].forEach((data, c) => {
      expectLeast(data, observer.maxVal[c], args);
    });
  });

  it('average from tensor to tensor', () => {
    const observer = new MovingAverageMSEObserver({ averagingConstant: 0.5, quantMax: 15, quantMin: 0 });
    const [a, b] = [values(500, 8), values(500, 9)].map((data) => Tensor.from('float32', data));
    const ends = [a, b].map((tensor) => {
      const alone = new MovingAverageMSEObserver({ quantMax: 15, quantMin: 0 });
      alone.forward(tensor);
      return alone.maxVal[0];
    });
    observer.forward(a);
    observer.forward(b);
    expect(observer.maxVal[0]).toBeCloseTo((ends[0] + ends[1]) / 2, 6);
  });

  it('are what a learned scale may begin with, and no fused kernel has', () => {
    const args = { ...signed(4), qscheme: 'per_channel_symmetric' as const };
    const weight = Tensor.from('float32', values(600, 10), [2, 300]);
    const observer = new MovingAveragePerChannelMSEObserver(args);
    observer.forward(weight);
    const fake = new LearnableFakeQuantize({ observer: MovingAveragePerChannelMSEObserver, ...args });
    fake.forward(weight);
    expect(fake.state.get('scale')!.toArray()).toEqual(observer.calculateQparams().scale.toArray());
    expect(() => new FusedMovingAvgObsFakeQuantize({ observer: MovingAverageMSEObserver })).toThrow(
      'got MovingAverageMSEObserver',
    );
  });

  it('refuse NaN and infinities', () => {
    const observer = new MovingAverageMSEObserver();
    expect(() => observer.forward(Tensor.from('float32', [1, Number.NaN]))).toThrow('NaN');
    expect(() => observer.forward(Tensor.from('float32', [1, Infinity]))).toThrow(
      'no quantization parameters',
    );
    expect(() => observer.forward(Tensor.from('int32', [1]))).toThrow('float32');
  });
});
