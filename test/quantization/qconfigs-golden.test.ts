import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import * as octavo from '../../lib/index.ts';
import { type PartialObserver, QConfig, qconfigEquals, Tensor } from '../../lib/index.ts';

/** What script/goldens/qconfigs.py wrote of an observer. */
interface Described {
  readonly class: string;
  readonly dtype: string;
  readonly isDynamic: boolean;
  readonly quant_min: number | null;
  readonly quant_max: number | null;
  readonly qscheme: string | null;
  readonly eps: number | null;
  readonly scale?: readonly number[];
  readonly zero_point?: readonly number[];
}

interface Golden {
  readonly activations: readonly (readonly number[])[];
  readonly weight: readonly number[];
  readonly configs: Readonly<Record<string, Record<'activation' | 'weight', Described | null>>>;
  readonly observers: Readonly<Record<string, Described>>;
}

const golden = JSON.parse(
  readFileSync(new URL('../fixtures/quantization/qconfigs.json', import.meta.url), 'utf8'),
) as Golden;
const activations = golden.activations.map((data) => Tensor.from('float32', data, [4, 9]));
const weight = Tensor.from('float32', golden.weight, [5, 7]);

const dtypes: Readonly<Record<string, string>> = {
  'torch.quint8': 'uint8',
  // Lowering stores two of them in a byte; until then a byte holds one.
  'torch.quint4x2': 'uint8',
  'torch.qint8': 'int8',
  'torch.float16': 'float16',
  'torch.float32': 'float32',
};

function expectAsInPyTorch(make: PartialObserver, expected: Described | null, tensors: readonly Tensor[]) {
  const observer = make.create();
  if (expected === null) {
    // PyTorch's nn.Identity has no dtype.
    expect(observer.dtype).toBe('float32');
    return;
  }
  expect(observer.constructor.name).toBe(expected.class);
  expect(observer.dtype).toBe(dtypes[expected.dtype]);
  expect(observer.isDynamic).toBe(expected.isDynamic);
  if (expected.quant_min !== null) expect(observer.quantMin).toBe(expected.quant_min);
  if (expected.quant_max !== null) expect(observer.quantMax).toBe(expected.quant_max);
  if (expected.qscheme !== null) expect(`torch.${observer.qscheme}`).toBe(expected.qscheme);
  for (const tensor of tensors) observer.forward(tensor);
  if (!expected.scale) {
    expect(() => observer.calculateQparams()).toThrow('calculateQparams');
    return;
  }
  const { scale, zeroPoint } = observer.calculateQparams();
  // Float32 arithmetic in the same order: only PyTorch's sums of a histogram's bins may round otherwise.
  expect(scale.numel).toBe(expected.scale.length);
  expected.scale.forEach((value, i) => {
    expect(Math.abs(Number(scale.data[i]) - value)).toBeLessThanOrEqual(1e-6 * value);
  });
  expected.zero_point!.forEach((value, i) => {
    expect(Math.abs(Number(zeroPoint.data[i]) - value)).toBeLessThanOrEqual(1e-5 * Math.abs(value));
  });
}

function configNamed(name: string): QConfig {
  const [callee = '', engine, version] = name.split(' ');
  if (callee === 'getDefaultQconfig') return octavo.getDefaultQconfig(engine as octavo.QuantizationEngine);
  if (callee === 'getDefaultQatQconfig')
    return octavo.getDefaultQatQconfig(engine as octavo.QuantizationEngine, Number(version) as 0 | 1);
  return (octavo as unknown as Record<string, QConfig>)[callee]!;
}

describe('QConfigs of PyTorch 2.6', () => {
  it.each(Object.entries(golden.configs))('%s', (name, expected) => {
    const config = configNamed(name);
    expectAsInPyTorch(config.activation, expected.activation, activations);
    expectAsInPyTorch(config.weight, expected.weight, [weight]);
  });

  it.each(Object.entries(golden.observers))('%s', (name, expected) => {
    const make = (octavo as unknown as Record<string, PartialObserver>)[name]!;
    expectAsInPyTorch(make, expected, name.startsWith('default') ? activations : [weight]);
  });
});

describe('QConfig', () => {
  const { HistogramObserver, MinMaxObserver } = octavo;

  it('takes classes and bound classes, no instances', () => {
    const config = new QConfig({ activation: HistogramObserver, weight: MinMaxObserver });
    expect(config.activation.create()).toBeInstanceOf(HistogramObserver);
    expect(() => new QConfig({ activation: new MinMaxObserver() as never, weight: MinMaxObserver })).toThrow(
      'QConfig: activation is an observer, of which every place needs its own; give its class',
    );
    expect(() => new QConfig({ activation: MinMaxObserver, weight: undefined as never })).toThrow(
      'QConfig: weight must be an observer class, or one with bound arguments; got undefined',
    );
  });

  it('is equal to one that makes the same observers', () => {
    const x86 = octavo.getDefaultQconfig();
    expect(qconfigEquals(x86, octavo.getDefaultQconfig('fbgemm'))).toBe(true);
    expect(qconfigEquals(x86, octavo.getDefaultQconfig('onednn'))).toBe(false);
    expect(qconfigEquals(octavo.getDefaultQatQconfig(), octavo.getDefaultQatQconfig('fbgemm'))).toBe(true);
    expect(qconfigEquals(octavo.getDefaultQatQconfig(), octavo.getDefaultQatQconfig('x86', 0))).toBe(false);
    expect(qconfigEquals(x86, null)).toBe(false);
    expect(qconfigEquals(null, null)).toBe(true);
  });

  it('names the backends and versions that there are', () => {
    expect(() => octavo.getDefaultQconfig('qnnpack' as never)).toThrow(
      "getDefaultQconfig: backend must be x86, fbgemm, onednn, got 'qnnpack'",
    );
    expect(() => octavo.getDefaultQatQconfig('x86', 2 as never)).toThrow('version must be 0 or 1, got 2');
  });
});
