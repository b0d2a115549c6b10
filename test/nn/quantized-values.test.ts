import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import * as nn from '../../lib/nn/index.ts';
import { Tensor } from '../../lib/tensor/index.ts';

const F = nn.functional;
const { QFunctional, QuantizedValue } = nn.quantized;
type QuantizedValue = nn.quantized.QuantizedValue;

interface Stored {
  readonly shape: readonly number[];
  readonly integers: readonly number[];
  readonly scale: number;
  readonly zeroPoint: number;
}

/** What PyTorch 2.6 makes of quantized tensors, written by script/goldens/eager.py. */
const cases = JSON.parse(
  readFileSync(new URL('../fixtures/eager/functions.json', import.meta.url), 'utf8'),
) as readonly {
  readonly dtype: 'uint8' | 'int8';
  readonly x: Stored;
  readonly y: Stored;
  readonly output: Pick<Stored, 'scale' | 'zeroPoint'>;
  readonly functions: Readonly<Record<string, Stored>>;
  readonly functionals: Readonly<Record<string, Stored>>;
}[];

const functions: Readonly<Record<string, (x: nn.Value) => nn.Value>> = {
  relu: (x) => F.relu(x),
  relu6: (x) => F.relu6(x),
  hardtanh: (x) => F.hardtanh(x, -0.5, 0.7),
  clamp: (x) => F.clamp(x, -0.4, 0.9),
  leaky_relu: (x) => F.leakyRelu(x, 0.2),
  gelu: (x) => F.gelu(x),
  sigmoid: (x) => F.sigmoid(x),
  hardsigmoid: (x) => F.hardsigmoid(x),
  tanh: (x) => F.tanh(x),
  mean: (x) => F.mean(x, [2, 3]),
  adaptive_avg_pool2d: (x) => F.adaptiveAvgPool2d(x, 2),
  avg_pool2d: (x) => F.avgPool2d(x, 3, { stride: 2, padding: 1 }),
  max_pool2d: (x) => F.maxPool2d(x, 3, { stride: 2, padding: 1 }),
  pad: (x) => F.pad(x, [1, 0, 2, 1], 0.3),
  flatten: (x) => F.flatten(x, 1),
  permute: (x) => F.permute(x, [0, 2, 3, 1]),
  chunk: (x) => F.chunk(x, 2, 1)[1],
  cat: (x) => F.cat([x, x], 1),
};

type Functional = (q: nn.quantized.QFunctional, x: nn.Value, y: nn.Value) => nn.Value;

const functionals: Readonly<Record<string, Functional>> = {
  add: (q, x, y) => q.add(x, y),
  mul: (q, x, y) => q.mul(x, y),
  cat: (q, x, y) => q.cat([x, y], 1),
  addRelu: (q, x, y) => q.addRelu(x, y),
  matmul: (q, x, y) => q.matmul(x, y),
  'addScalar 0.7': (q, x) => q.addScalar(x, 0.7),
  'addScalar -0.3': (q, x) => q.addScalar(x, -0.3),
  'addScalar 9': (q, x) => q.addScalar(x, 9),
  'addScalar -9': (q, x) => q.addScalar(x, -9),
  'mulScalar 1.7': (q, x) => q.mulScalar(x, 1.7),
  'mulScalar -0.6': (q, x) => q.mulScalar(x, -0.6),
  'mulScalar 0': (q, x) => q.mulScalar(x, 0),
};

describe.each(cases)('quantized values of $dtype', ({ dtype, x, y, output, ...golden }) => {
  const value = ({ integers, shape, ...qparams }: Stored) => {
    const data = dtype === 'uint8' ? Uint8Array.from(integers) : Int8Array.from(integers);
    return new QuantizedValue(new Tensor(dtype, data, shape), { ...qparams, dtype });
  };

  function expectSame(result: nn.Value, expected: Stored): void {
    const { scale, zeroPoint, shape, integers } = result as QuantizedValue;
    expect(shape).toEqual(expected.shape);
    expect(zeroPoint).toBe(expected.zeroPoint);
    expect(scale / expected.scale).toBeCloseTo(1, 6);
    const differences = ((integers as Tensor).toArray() as number[]).map((q, i) =>
      Math.abs(q - expected.integers[i]),
    );
    // Where a real number is half an integer but for the last bit, PyTorch's kernel may round to the other one.
    expect(Math.max(...differences)).toBeLessThanOrEqual(1);
    expect(differences.filter((q) => q > 0).length).toBeLessThanOrEqual(0.01 * differences.length);
  }

  it('covers all functions', () => {
    expect(Object.keys(functions)).toEqual(Object.keys(golden.functions));
    expect(Object.keys(functionals)).toEqual(Object.keys(golden.functionals));
  });

  it.each(Object.entries(golden.functions))("%s is PyTorch's", (name, expected) =>
    expectSame(functions[name](value(x)), expected),
  );

  it.each(Object.entries(golden.functionals))("QFunctional: %s is PyTorch's", (name, expected) =>
    expectSame(functionals[name](new QFunctional({ ...output, dtype }), value(x), value(y)), expected),
  );
});

describe('QuantizedValue', () => {
  const integers = new Tensor('uint8', Uint8Array.of(0, 100, 255), [3]);
  const value = () => new QuantizedValue(integers, { scale: 0.5, zeroPoint: 100, dtype: 'uint8' });
  const float = Tensor.from('float32', [1, 2, 3]);

  it('is overwritten by functions in place', () => {
    const x = value();
    expect(F.relu(x, { inplace: true })).toBe(x);
    expect((x.dequantize() as Tensor).toArray()).toEqual([0, 0, 77.5]);
    expect(integers.toArray()).toEqual([0, 100, 255]);
  });

  it('goes through a dropout of a model in use, and through none of one in training', () => {
    const x = value();
    expect(F.dropout(x, 0.5, false)).toBe(x);
    expect(() => F.dropout(x, 0.5, true)).toThrow(
      'aten.dropout.default cannot be computed on quantized values',
    );
  });

  it('is refused where PyTorch has no kernel, with what to do', () => {
    expect(() => F.add(value(), value())).toThrow(
      'aten.add.Tensor cannot be computed on quantized values: dequantize them first (DeQuantStub), or call it on a FloatFunctional',
    );
    expect(() => F.mul(float, value())).toThrow('aten.mul.Tensor cannot be computed on quantized values');
    expect(() => F.softmax(value(), 0)).toThrow('dequantize them first (DeQuantStub)');
    expect(() => F.cat([value(), float])).toThrow('some of the values are quantized, and others are not');
  });

  it('is what quantized modules want', () => {
    const q = new QFunctional({ scale: 1, zeroPoint: 0, dtype: 'uint8' });
    const message = 'QFunctional: the input is not quantized: let it go through a QuantStub first';
    expect(() => q.add(value(), float)).toThrow(message);
    expect(() => q.addScalar(float, 1)).toThrow(message);
    expect(() => q.forward()).toThrow('call one of its functions');
    expect(() => new QFunctional(null).add(value(), value())).toThrow(
      'was not called while the model was calibrated',
    );
  });
});
