import { describe, expect, it } from 'vitest';
import { operators } from '../../lib/aten/index.ts';
import { Arguments, type TensorMeta } from '../../lib/graph/index.ts';
import { numelOf, Tensor } from '../../lib/tensor/index.ts';
import { runStep, seededTensor, stridesInOrder } from '../support/steps.ts';

const run = (target: string, ...args: readonly unknown[]): Tensor => {
  const operator = operators.get(target);
  return operator.execute(Arguments.bind<Tensor>(operator.schema, args)) as Tensor;
};

interface Quantized {
  readonly integers: Tensor;
  readonly scale: number;
  readonly zeroPoint: number;
}

/** The real numbers that integers stand for. */
const real = ({ integers, scale, zeroPoint }: Quantized) =>
  integers.toArray().map((value) => (value - zeroPoint) * scale);

/** `a @ b` in float64, batch extents of 1 broadcast; both of one rank. */
function product(a: Quantized, b: Quantized): number[] {
  const [x, y] = [real(a), real(b)];
  const [left, right] = [a.integers.shape, b.integers.shape];
  const [rows, inner, columns] = [left.at(-2)!, left.at(-1)!, right.at(-1)!];
  const batch = left.slice(0, -2).map((extent, i) => Math.max(extent, right[i]));
  const matrixOf = (shape: readonly number[], index: number) => {
    let [at, step, rest] = [0, 1, index];
    for (let i = batch.length - 1; i >= 0; i--) {
      const position = rest % batch[i];
      rest = Math.floor(rest / batch[i]);
      at += (shape[i] === 1 ? 0 : position) * step;
      step *= shape[i];
    }
    return at;
  };
  return Array.from({ length: numelOf(batch) }, (_, index) => {
    const [p, q] = [matrixOf(left, index) * rows * inner, matrixOf(right, index) * inner * columns];
    return Array.from({ length: rows * columns }, (__, i) => {
      const [row, column] = [Math.floor(i / columns), i % columns];
      let sum = 0;
      for (let k = 0; k < inner; k++) sum += x[p + row * inner + k] * y[q + k * columns + column];
      return sum;
    });
  }).flat();
}

const shapes: readonly (readonly [readonly number[], readonly number[]])[] = [
  [
    [1, 1],
    [1, 1],
  ],
  [
    [5, 7],
    [7, 3],
  ],
  [
    [2, 3, 17, 64],
    [2, 3, 64, 19],
  ],
  [
    [2, 1, 4, 33],
    [1, 3, 33, 5],
  ],
  [
    [1, 300],
    [300, 1],
  ],
];
const dtypes = [
  ['uint8', 'uint8'],
  ['uint8', 'int8'],
  ['int8', 'uint8'],
  ['int8', 'int8'],
] as const;

describe('octavo.matmul', () => {
  const quantized = (dtype: 'uint8' | 'int8', shape: readonly number[], seed: number): Quantized => ({
    integers: seededTensor(dtype, shape, seed),
    scale: 0.01 + 0.003 * seed,
    zeroPoint: dtype === 'uint8' ? 130 : -9,
  });

  it.each(shapes.flatMap(([a, b]) => dtypes.map(([left, right]) => ({ a, b, left, right }))))(
    '$left $a by $right $b',
    ({ a, b, left, right }) => {
      const [x, y] = [quantized(left, a, 1), quantized(right, b, 2)];
      const inputs = [x.integers, x.scale, x.zeroPoint, y.integers, y.scale, y.zeroPoint];
      const wanted = product(x, y);
      const actual = run('octavo.matmul.default', ...inputs, 1, 0, 'float32').toArray();
      expect(actual).toHaveLength(wanted.length);
      // Products of integers are exact; float32 holds their sums to 2^-24, and is scaled once.
      const bound = a.at(-1)! * 255 * 255 * x.scale * y.scale * 2 ** -22;
      for (const [i, value] of wanted.entries()) expect(Math.abs(actual[i] - value)).toBeLessThan(bound);
      const [scale, zeroPoint] = [Math.max(...wanted.map(Math.abs)) / 100, 120];
      const bytes = run('octavo.matmul.default', ...inputs, scale, zeroPoint, 'uint8').toArray();
      for (const [i, value] of wanted.entries()) {
        const place = value / scale + zeroPoint;
        // Half a step, and what float32 can push over it.
        expect(Math.abs(bytes[i] - Math.min(Math.max(place, 0), 255))).toBeLessThan(0.501);
      }
    },
  );

  it('sums of the largest integers do not saturate', () => {
    const [a, b] = [Array(64).fill(255), Array(64).fill(-128)];
    const inputs = [Tensor.from('uint8', a, [1, 64]), 1, 0, Tensor.from('int8', b, [64, 1]), 1, 0];
    expect(run('octavo.matmul.default', ...inputs, 1, 0, 'float32').toArray()).toEqual([-64 * 255 * 128]);
  });

  it('takes operands under any strides', () => {
    const [a, b] = [seededTensor('uint8', [2, 3, 5, 8], 3), seededTensor('uint8', [2, 3, 8, 6], 4)];
    const attributes = { aScale: 0.5, aZeroPoint: 100, bScale: 0.25, bZeroPoint: 7 };
    const output = { dtype: 'float32', shape: [2, 3, 5, 6] } as const;
    const wanted = runStep({ op: 'integer_matmul', attributes }, [a, b], [output]).results[0];
    for (const order of [
      [0, 2, 1, 3],
      [0, 1, 3, 2],
      [3, 2, 1, 0],
    ]) {
      const layout = (shape: readonly number[]) => stridesInOrder(shape, order);
      const { results, implementation } = runStep(
        { op: 'integer_matmul', attributes },
        [a, b],
        [output],
        layout,
      );
      expect(results[0].toArray()).toEqual(wanted.toArray());
      expect(implementation).not.toMatch(/ref/);
    }
  });

  it.each<[string, readonly unknown[], RegExp]>([
    [
      'floats',
      [Tensor.zeros('float32', [2, 2]), 1, 0, Tensor.zeros('int8', [2, 2]), 1, 0, 1, 0, 'float32'],
      /a must be uint8 or int8, got float32/,
    ],
    [
      'a scale of 0',
      [Tensor.zeros('int8', [2, 2]), 0, 0, Tensor.zeros('int8', [2, 2]), 1, 0, 1, 0, 'float32'],
      /aScale must be a finite positive/,
    ],
    [
      'zero points outside',
      [Tensor.zeros('int8', [2, 2]), 1, 200, Tensor.zeros('int8', [2, 2]), 1, 0, 1, 0, 'float32'],
      /aZeroPoint must lie in int8's range/,
    ],
    [
      'scaled floats',
      [Tensor.zeros('int8', [2, 2]), 1, 0, Tensor.zeros('int8', [2, 2]), 1, 0, 2, 0, 'float32'],
      /outputScale must be 1/,
    ],
    [
      'shapes',
      [Tensor.zeros('int8', [2, 3]), 1, 0, Tensor.zeros('int8', [2, 2]), 1, 0, 1, 0, 'float32'],
      /cannot be multiplied/,
    ],
  ])('refuses %s', (_, args, message) => {
    expect(() => run('octavo.matmul.default', ...args)).toThrow(message);
  });
});

describe('softmax and layer normalization between 8-bit integers', () => {
  const x: Quantized = { integers: seededTensor('uint8', [3, 4, 10], 5), scale: 0.05, zeroPoint: 99 };
  const rows = (values: readonly number[], length: number) =>
    Array.from({ length: values.length / length }, (_, i) => values.slice(i * length, (i + 1) * length));
  const quantize = (value: number, scale: number, zeroPoint: number) =>
    Math.min(Math.max(value / scale + zeroPoint, 0), 255);

  it('softmax', () => {
    const wanted = rows(real(x), 10).flatMap((row) => {
      const exponentials = row.map(Math.exp);
      const sum = exponentials.reduce((a, b) => a + b);
      return exponentials.map((value) => value / sum);
    });
    const input = [x.integers, x.scale, x.zeroPoint, -1];
    const floats = run('octavo.softmax.default', ...input, 1, 0, 'float32').toArray();
    // Probabilities from float32 exponentials.
    for (const [i, value] of wanted.entries()) expect(Math.abs(floats[i] - value)).toBeLessThan(1e-6);
    const bytes = run('octavo.softmax.default', ...input, 1 / 255, 0, 'uint8').toArray();
    // Half a step, and what float32 can push over it.
    for (const [i, value] of wanted.entries())
      expect(Math.abs(bytes[i] - quantize(value, 1 / 255, 0))).toBeLessThan(0.501);
  });

  it('softmax along an axis that is not the last', () => {
    const transposed = Tensor.from('uint8', x.integers.toArray(), [12, 10]);
    const columns = run('octavo.softmax.default', transposed, 0.05, 99, 0, 1, 0, 'float32').toArray();
    const values = rows(real(x), 10);
    for (let column = 0; column < 10; column++) {
      const exponentials = values.map((row) => Math.exp(row[column]));
      const sum = exponentials.reduce((a, b) => a + b);
      // Probabilities from float32 exponentials.
      exponentials.forEach((value, i) => {
        expect(Math.abs(columns[i * 10 + column] - value / sum)).toBeLessThan(1e-6);
      });
    }
  });

  it('layer normalization', () => {
    const [weight, bias] = [seededTensor('float32', [10], 6), seededTensor('float32', [10], 7)];
    const wanted = rows(real(x), 10).flatMap((row) => {
      const mean = row.reduce((a, b) => a + b) / 10;
      const variance = row.reduce((a, b) => a + (b - mean) ** 2, 0) / 10;
      return row.map(
        (value, i) => ((value - mean) / Math.sqrt(variance + 1e-5)) * weight.toArray()[i] + bias.toArray()[i],
      );
    });
    const input = [x.integers, x.scale, x.zeroPoint, [10], weight, bias, 1e-5];
    const floats = run('octavo.layer_norm.default', ...input, 1, 0, 'float32').toArray();
    // Values below 16 from float32 statistics of 10 values.
    for (const [i, value] of wanted.entries()) expect(Math.abs(floats[i] - value)).toBeLessThan(1e-4);
    const bytes = run('octavo.layer_norm.default', ...input, 0.07, 128, 'uint8').toArray();
    // Half a step, and what float32 can push over it.
    for (const [i, value] of wanted.entries())
      expect(Math.abs(bytes[i] - quantize(value, 0.07, 128))).toBeLessThan(0.502);
  });

  it('integers without a scale are still refused', () => {
    expect(() => run('aten.softmax.int', x.integers, -1)).toThrow(/float32 or bfloat16 expected, got uint8/);
  });

  it('shapes of products are known before they run', () => {
    const meta = (shape: readonly number[]): TensorMeta => ({ dtype: 'uint8', shape });
    const operator = operators.get('octavo.matmul.default');
    const args = [meta([2, 3, 4]), 1, 0, meta([4, 5]), 1, 0, 1, 0, 'float32'];
    expect(operator.infer(Arguments.bind<TensorMeta>(operator.schema, args))).toEqual({
      dtype: 'float32',
      shape: [2, 3, 5],
    });
  });
});
