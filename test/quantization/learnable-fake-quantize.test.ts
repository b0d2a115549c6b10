import { describe, expect, it } from 'vitest';
import {
  disableFakeQuant,
  disableObserver,
  disableRangeLearning,
  enableFakeQuant,
  enableObserver,
  enableRangeLearning,
  exportModel,
  getDefaultX86QuantizationConfig,
  HistogramObserver,
  LearnableFakeQuantize,
  MinMaxObserver,
  MovingAverageMinMaxObserver,
  PerChannelMinMaxObserver,
  prepareQatPt2e,
  Tensor,
  X86Quantizer,
} from '../../lib/index.ts';
import { Perceptron, x } from '../support/training.ts';

const f32 = Math.fround;
const EPSILON = 2 ** -23;
const floats = (values: readonly number[], shape: readonly number[] = [values.length]) =>
  Tensor.from('float32', values, shape);
const state = (fake: LearnableFakeQuantize, name: string) => fake.state.get(name)!.toArray() as number[];

const activation = () =>
  new LearnableFakeQuantize({ observer: MovingAverageMinMaxObserver, quantMin: 0, quantMax: 255 });
const weight = () =>
  new LearnableFakeQuantize({
    observer: PerChannelMinMaxObserver,
    dtype: 'int8',
    qscheme: 'per_channel_symmetric',
    quantMin: -8,
    quantMax: 7,
  });

describe('LearnableFakeQuantize', () => {
  it('takes scale and zero point of every tensor from its observer, until they are learned', () => {
    const fake = activation();
    const rounded = fake.forward(floats([-1, 254]));
    expect([state(fake, 'scale'), state(fake, 'zero_point')]).toEqual([[1], [1]]);
    expect(rounded.toArray()).toEqual([-1, 254]);
    fake.forward(floats([-1, 355]));
    // A hundredth of the way.
    expect(state(fake, 'scale')[0]).toBeCloseTo(256.01 / 255, 5);
    fake.rangeLearningEnabled = true;
    fake.forward(floats([-100, 1000]));
    expect(state(fake, 'scale')[0]).toBeCloseTo(256.01 / 255, 5);
  });

  it('asks the observer for the first tensor, even if it learns from the beginning', () => {
    const fake = weight();
    fake.rangeLearningEnabled = true;
    fake.forward(floats([-1.5, 0.5, 0.3, 3.5], [2, 2]));
    // The larger side over half the number of steps.
    expect(state(fake, 'scale')).toEqual([f32(1.5 / 7.5), f32(3.5 / 7.5)]);
    fake.forward(floats([-15, 5, 3, 35], [2, 2]));
    expect(state(fake, 'scale')).toEqual([f32(1.5 / 7.5), f32(3.5 / 7.5)]);
  });

  it('either observes or learns', () => {
    const fake = activation();
    expect([fake.observerEnabled, fake.rangeLearningEnabled, fake.fakeQuantEnabled]).toEqual([
      true,
      false,
      true,
    ]);
    fake.rangeLearningEnabled = true;
    expect([fake.observerEnabled, fake.rangeLearningEnabled]).toEqual([false, true]);
    fake.observerEnabled = true;
    expect([fake.observerEnabled, fake.rangeLearningEnabled]).toEqual([true, false]);
  });

  it('trains scale and zero point, or the scale alone where the scheme is symmetric', () => {
    expect(activation().parameters).toEqual(['scale', 'zero_point']);
    expect(weight().parameters).toEqual(['scale']);
  });

  it('keeps a scale that an update has made too small at epsilon, and converts none', () => {
    for (const scale of [-0.5, 0, 1e-12]) {
      const fake = weight();
      fake.rangeLearningEnabled = true;
      fake.forward(floats([1, 2]));
      fake.setState('scale', floats([scale, 0.5]));
      expect(() => fake.calculateQparams()).toThrow('the learned scale of channel 0');
      const rounded = fake.forward(floats([1, -2]));
      expect(state(fake, 'scale')).toEqual([EPSILON, 0.5]);
      expect(rounded.toArray()).toEqual([7 * EPSILON, -2]);
    }
  });

  it('converts to the integer nearest to the zero point, within the range', () => {
    for (const [learned, whole] of [
      [3.4, 3],
      [2.5, 2],
      [-0.7, 0],
      [400, 255],
    ]) {
      const fake = activation();
      fake.forward(floats([0, 1]));
      fake.setState('zero_point', floats([learned]));
      expect(fake.calculateQparams().zeroPoint.toArray()).toEqual([whole]);
    }
  });

  it('lets tensors through when it is switched off', () => {
    const fake = activation();
    fake.fakeQuantEnabled = false;
    expect(fake.forward(floats([0.123, 4.567])).toArray()).toEqual([0.123, 4.567].map(f32));
    expect(state(fake, 'max_val')).toEqual([f32(4.567)]);
  });

  it('refuses scales that are no numbers, and parameters before the first tensor', () => {
    const fake = activation();
    expect(() => fake.calculateQparams()).toThrow('LearnableFakeQuantize has seen no tensor');
    fake.forward(floats([0, 1]));
    fake.rangeLearningEnabled = true;
    fake.setState('scale', floats([Number.NaN]));
    expect(() => fake.forward(floats([0, 1]))).toThrow('a scale is NaN');
    expect(() => fake.calculateQparams()).toThrow('NaN');
  });

  it.each<[string, () => unknown, string]>([
    ['a histogram', () => new LearnableFakeQuantize({ observer: HistogramObserver }), 'HistogramObserver'],
    [
      'what is chosen at run time',
      () => new LearnableFakeQuantize({ observer: MinMaxObserver, isDynamic: true }),
      'run time',
    ],
    [
      'a symmetric scheme without negative integers',
      () => new LearnableFakeQuantize({ observer: MinMaxObserver, qscheme: 'per_tensor_symmetric' }),
      'no negative integers',
    ],
    [
      'a factor that divides by 0',
      () =>
        new LearnableFakeQuantize({
          observer: MinMaxObserver,
          dtype: 'int8',
          quantMin: -8,
          quantMax: 0,
          useGradScaling: true,
        }),
      'quantMax, which is 0',
    ],
  ])('refuses %s', (_, make, message) => {
    expect(make).toThrow(message);
  });
});

describe('switches of a whole model', () => {
  const prepare = (learnScales: boolean) =>
    prepareQatPt2e(
      exportModel(new Perceptron().train(), { x }),
      new X86Quantizer().setGlobal(getDefaultX86QuantizationConfig({ isQat: true, learnScales })),
    );

  it('reach all fake quantizers', () => {
    const model = prepare(true);
    const all = () => [...model.modules.values()] as LearnableFakeQuantize[];
    expect(all().length).toBeGreaterThan(3);
    const are = () =>
      all().map((each) =>
        [each.observerEnabled, each.fakeQuantEnabled, each.rangeLearningEnabled].map(Number).join(''),
      );
    for (const [change, expected] of [
      [disableObserver, '010'],
      [disableFakeQuant, '000'],
      [enableObserver, '100'],
      [enableFakeQuant, '110'],
      [enableRangeLearning, '011'],
      [disableRangeLearning, '010'],
    ] as const) {
      expect(change(model)).toBe(model);
      expect(are()).toEqual(all().map(() => expected));
    }
  });

  it('refuse models without', () => {
    expect(() => enableRangeLearning(prepare(false))).toThrow('no fake quantizer of the model learns');
    expect(() => disableObserver(exportModel(new Perceptron(), { x }))).toThrow('prepareQatPt2e');
  });
});

describe('getDefaultX86QuantizationConfig', () => {
  it('gives weights fewer bits', () => {
    for (const [weightBits, range] of [
      [8, [-128, 127]],
      [4, [-8, 7]],
      [3, [-4, 3]],
      [2, [-2, 1]],
    ] as const) {
      const { weight: spec } = getDefaultX86QuantizationConfig({ weightBits });
      expect([spec!.quantMin, spec!.quantMax]).toEqual(range);
    }
  });

  it.each<[object, string]>([
    [{ learnScales: true }, 'learnScales needs isQat'],
    [{ weightBits: 1 }, 'from 2 to 8, got 1'],
    [{ weightBits: 4.5 }, 'from 2 to 8, got 4.5'],
    [{ weightBits: 9 }, 'from 2 to 8, got 9'],
  ])('refuses %o', (options, message) => {
    expect(() => getDefaultX86QuantizationConfig(options)).toThrow(message);
  });
});
