import { describe, expect, it } from 'vitest';
import {
  FakeQuantize,
  FixedQParamsFakeQuantize,
  FusedMovingAvgObsFakeQuantize,
  HistogramObserver,
  LearnableFakeQuantize,
  MinMaxObserver,
  PerChannelMinMaxObserver,
} from '../../lib/index.ts';
import { uniform } from '../support/graph-builder.ts';

/** As JavaScript callers may: the types would refuse it. */
const wrong = (args: object) => args as never;

const perChannel = { observer: PerChannelMinMaxObserver, dtype: 'int8' } as const;

describe('fake quantizers refuse, by name,', () => {
  it.each<[string, () => unknown, string]>([
    [
      'an observer that is missing',
      () => new LearnableFakeQuantize(wrong({})),
      'LearnableFakeQuantize: observer must be an observer class, or one with bound arguments; got undefined',
    ],
    [
      'an observer that is none',
      () => new FakeQuantize(wrong({ observer: 'x' })),
      "FakeQuantize: observer must be an observer class, or one with bound arguments; got 'x'",
    ],
    [
      'the observer of fixed parameters that is none',
      () => new FixedQParamsFakeQuantize(wrong({ observer: 3 })),
      'FixedQParamsFakeQuantize: observer must be',
    ],
    [
      'an argument in the way Python writes it',
      () => new FakeQuantize(wrong({ quant_min: 0 })),
      'FakeQuantize: unknown option "quant_min"; did you mean "quantMin"?',
    ],
    [
      'an unknown argument that is bound',
      () => FusedMovingAvgObsFakeQuantize.withArgs(wrong({ quant_max: 127 })).create(),
      'FusedMovingAvgObsFakeQuantize: unknown option "quant_max"',
    ],
    [
      'an unknown argument beside learned scales',
      () => new LearnableFakeQuantize(wrong({ observer: MinMaxObserver, useGradscaling: true })),
      'LearnableFakeQuantize: unknown option "useGradscaling"',
    ],
    [
      'an unknown argument beside fixed parameters',
      () => new FixedQParamsFakeQuantize(wrong({ scale: 1, zeroPoint: 0, quant_min: 0 })),
      'FixedQParamsFakeQuantize: unknown option "quant_min"',
    ],
    [
      'a negative axis',
      () => new FakeQuantize({ ...perChannel, chAxis: -1 }),
      'PerChannelMinMaxObserver: chAxis must be a non-negative integer, got -1',
    ],
    [
      'an axis that the tensor does not have',
      () => new FakeQuantize({ ...perChannel, chAxis: 9 }).forward(uniform([2, 3], -1, 1, 1)),
      'FakeQuantize: channel axis 9 is outside a tensor of 2 dimensions [2, 3]',
    ],
    ...[Number.NaN, -1, 0, Infinity].map((eps): [string, () => unknown, string] => [
      `a smallest scale of ${eps}`,
      () => new FakeQuantize({ observer: MinMaxObserver, eps }),
      `MinMaxObserver: eps, the smallest scale, must be a positive number, got ${eps}`,
    ]),
  ])('%s', (_, make, message) => {
    expect(make).toThrow(message);
  });

  it('and observers of other kinds the same smallest scales', () => {
    expect(() => new HistogramObserver({ eps: Number.NaN })).toThrow('HistogramObserver: eps');
  });
});
