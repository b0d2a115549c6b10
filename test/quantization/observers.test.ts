import { readFileSync } from 'node:fs';
import { describe, expect, it, vi } from 'vitest';
import {
  EntropyObserver,
  FixedQParamsObserver,
  HistogramObserver,
  MinMaxObserver,
  MovingAverageMinMaxObserver,
  MovingAveragePerChannelMinMaxObserver,
  MSEObserver,
  PerChannelMinMaxObserver,
  PercentileObserver,
  PlaceholderObserver,
  type QParams,
  type Recipe,
  type UniformObserverArgs,
} from '../../lib/quantization/index.ts';
import { Tensor } from '../../lib/tensor/index.ts';

interface Golden {
  inputs: Record<string, { shape: number[]; data: number[] }[]>;
  observers: {
    observer: keyof typeof classes;
    input: string;
    args: Record<string, number | string | boolean>;
    after: { min: number[]; max: number[]; scale: number[]; zero_point: number[] }[];
    quant_min: number;
    quant_max: number;
    zp_dtype: string;
    search_min?: number;
    search_max?: number;
    histogram_nonzero?: [number, number][] | null;
  }[];
  fixed: { args: Record<string, string>; scale: number[]; zero_point: number[] }[];
}

const classes = {
  MinMaxObserver,
  MovingAverageMinMaxObserver,
  PerChannelMinMaxObserver,
  MovingAveragePerChannelMinMaxObserver,
  HistogramObserver,
};

/** What PyTorch 2.6's observers computed. */
const golden = JSON.parse(
  readFileSync(new URL('../fixtures/quantization/observers.json', import.meta.url), 'utf8'),
) as Golden;

const camelCase = (name: string) => name.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase());

const camelCased = (args: object) =>
  Object.fromEntries(Object.entries(args).map(([key, value]) => [camelCase(key), value]));

function expectQparams(got: QParams, scale: number[], zeroPoint: number[], where: string): void {
  // PyTorch prints float32 exactly, and our arithmetic rounds where PyTorch's does.
  expect(got.scale.toArray(), `${where} scale`).toEqual(scale);
  expect(got.zeroPoint.toArray(), `${where} zero point`).toEqual(zeroPoint);
}

describe('observers against PyTorch', () => {
  it('has every run', () => expect(golden.observers).toHaveLength(528));

  for (const name of Object.keys(classes) as (keyof typeof classes)[]) {
    const runs = golden.observers.filter((run) => run.observer === name);
    it.each(runs.map((run, i) => [i, run.input, JSON.stringify(run.args), run] as const))(
      `${name} %i: %s %s`,
      (_, input, __, run) => {
        const args = {
          ...camelCased(run.args),
          ...(name === 'HistogramObserver' ? { recipe: 'pytorch-2.6' } : {}),
        };
        const observer = new classes[name](args as UniformObserverArgs);
        expect([observer.quantMin, observer.quantMax]).toEqual([run.quant_min, run.quant_max]);
        run.after.forEach((expected, batch) => {
          const { data, shape } = golden.inputs[input][batch];
          const tensor = Tensor.from('float32', data, shape);
          expect(observer.forward(tensor)).toBe(tensor);
          expect([observer.minVal].flatMap((v) => (typeof v === 'number' ? v : [...v]))).toEqual(
            expected.min,
          );
          expect([observer.maxVal].flatMap((v) => (typeof v === 'number' ? v : [...v]))).toEqual(
            expected.max,
          );
          expectQparams(
            observer.calculateQparams(),
            expected.scale,
            expected.zero_point,
            `${input} batch ${batch}`,
          );
        });
        expect(`torch.${observer.calculateQparams().zeroPoint.dtype}`).toBe(run.zp_dtype);
        if (!(observer instanceof HistogramObserver)) return;
        expect(observer.searchRange()).toEqual({ min: run.search_min, max: run.search_max });
        if (!run.histogram_nonzero) return;
        const counts = [...observer.histogram.entries()].filter(([, count]) => count !== 0);
        expect(counts).toEqual(run.histogram_nonzero);
      },
    );
  }

  it('HistogramObserver counts equal values that come first as often as there are any', () => {
    // torchao's numbers are those of one histogram over all tensors; PyTorch 2.6 counts 100 values as three.
    const [first, then] = [Array(100).fill(0.5), [0, 1, 2]];
    const counts = (recipe: Recipe) => {
      const observer = new HistogramObserver({ bins: 4, recipe });
      for (const values of [first, then]) observer.forward(Tensor.from('float32', values));
      return [...observer.histogram];
    };
    expect(counts('torchao')).toEqual([1, 100, 1, 1]);
    expect(counts('pytorch-2.6')).toEqual([1, 3, 1, 1]);
  });

  it('FixedQParamsObserver keeps its parameters', () => {
    for (const run of golden.fixed) {
      const args = Object.fromEntries(
        Object.entries(run.args).map(([key, value]) => [
          camelCase(key),
          key === 'dtype' ? value.replace('torch.', '') : Number(value),
        ]),
      );
      const observer = new FixedQParamsObserver(args as unknown as { scale: number; zeroPoint: number });
      observer.forward(Tensor.from('float32', [-100, 100]));
      expectQparams(observer.calculateQparams(), run.scale, run.zero_point, 'fixed');
    }
  });
});

describe('observers on bad input', () => {
  const each = Object.entries(classes);
  it.each(each)('%s refuses NaN, and infinity where it does not leave it out', (_, Observer) => {
    const infinities = [
      [Number.POSITIVE_INFINITY, /holds infinite/],
      [Number.NEGATIVE_INFINITY, /holds infinite/],
    ] as const;
    for (const [value, message] of [
      [Number.NaN, /\[2, 100\] holds NaN/] as const,
      ...(Observer === HistogramObserver ? [] : infinities),
    ])
      for (const at of [0, 63, 64, 199]) {
        const tensor = Tensor.zeros('float32', [2, 100]);
        tensor.data[at] = value as never;
        expect(() => new Observer().forward(tensor)).toThrow(message);
      }
  });

  it.each([HistogramObserver, PercentileObserver, MSEObserver, EntropyObserver])(
    '%o leaves infinities out, and says so once',
    (Observer) => {
      const warning = vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
      const finite = new Observer();
      const observer = new Observer();
      for (const values of [
        [1, -3, 0.5],
        [-2, 4, 7],
      ]) {
        finite.forward(Tensor.from('float32', values));
        observer.forward(Tensor.from('float32', [-Infinity, ...values, Infinity]));
      }
      observer.forward(Tensor.from('float32', [Infinity, Infinity]));
      expect(observer.calculateQparams()).toEqual(finite.calculateQparams());
      expect(warning.mock.calls).toEqual([
        [`${Observer.name}: infinite values of a tensor [5] are left out of its range`, 'OctavoWarning'],
      ]);
      const none = new Observer();
      none.forward(Tensor.from('float32', [-Infinity]));
      expect(() => none.calculateQparams()).toThrow(/has seen nothing but infinite values/);
      warning.mockRestore();
    },
  );

  it.each(each)('%s refuses to answer before it has seen a tensor', (_, Observer) => {
    const observer = new Observer();
    expect(() => observer.calculateQparams()).toThrow(/has seen no tensor/);
    observer.forward(Tensor.zeros('float32', [0, 4]));
    expect(() => observer.calculateQparams()).toThrow(/has seen no tensor/);
  });

  it.each(each)('%s refuses tensors that are not float32', (_, Observer) => {
    expect(() => new Observer().forward(Tensor.from('int64', [1, 2]))).toThrow(/float32.*int64 \[2\]/);
  });

  it.each(each)('%s refuses bad arguments', (_, Observer) => {
    expect(() => new Observer({ quantMin: 3, quantMax: 200 })).toThrow(/must hold zero/);
    expect(() => new Observer({ quantMin: 0, quantMax: 256 })).toThrow(/\[0, 256\] does not fit uint8/);
    expect(() => new Observer({ quantMin: 0 })).toThrow(/given together/);
    expect(() => new Observer({ dtype: 'float32' as 'int8' })).toThrow(/not an integer type/);
  });

  it('ranges that no float32 scale or bin fits', () => {
    const wide = Tensor.from('float32', [-3e38, 3e38]);
    const minMax = new MinMaxObserver();
    minMax.forward(wide);
    expect(() => minMax.calculateQparams()).toThrow(/from -3.* to 3.* span more than float32 can hold/);
    expect(() => new HistogramObserver().forward(wide)).toThrow(/from -3.* to 3.* too large .* 2048 bins/);
    const constant = Tensor.from('float32', [1e8, 1e8]);
    expect(() => new HistogramObserver().forward(constant)).toThrow(
      /from 100000000 to 100000000 are too large/,
    );
  });

  it('wrong schemes, axes and modes', () => {
    expect(() => new MinMaxObserver({ qscheme: 'per_channel_affine' })).toThrow(/per tensor/);
    expect(() => new PerChannelMinMaxObserver({ qscheme: 'per_tensor_affine' })).toThrow(/per channel/);
    expect(() => new HistogramObserver({ isDynamic: true })).toThrow(/dynamic/);
    expect(() => new MovingAverageMinMaxObserver({ isDynamic: true })).toThrow(/averagingConstant 1/);
    const perChannel = new PerChannelMinMaxObserver({ chAxis: 2 });
    expect(() => perChannel.forward(Tensor.zeros('float32', [2, 3]))).toThrow(/axis 2 .* \[2, 3\]/);
    const channels = new PerChannelMinMaxObserver();
    channels.forward(Tensor.zeros('float32', [2, 3]));
    expect(() => channels.forward(Tensor.zeros('float32', [3, 2]))).toThrow(/2 channels before, now 3/);
    expect(() => new PlaceholderObserver().calculateQparams()).toThrow(/observes nothing/);
  });
});
