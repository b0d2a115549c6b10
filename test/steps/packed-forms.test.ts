import { describe, expect, it } from 'vitest';
import { addon } from '../../lib/native/addon.ts';
import { Tensor } from '../../lib/tensor/index.ts';
import { uniform } from '../support/graph-builder.ts';

const size = 24;
const integers = (dtype: 'uint8' | 'int8', shape: readonly number[], low: number, seed: number) =>
  Tensor.from(
    dtype,
    uniform(shape, low, low + 255, seed)
      .toArray()
      .map(Math.round),
    shape,
  );

const weight = integers('int8', [size, size], -127, 1);
const x = integers('uint8', [3, size], 0, 2);
const newConstant = () => addon.createConstant('int8', weight.shape, weight.data);

/** A linear layer of integers, whose weight is given with strides. */
function linear(constant: ReturnType<typeof newConstant>, strides: readonly number[]): number[] {
  const y = Tensor.zeros('float32', [3, size]);
  addon.execute(
    { op: 'linear', node: 'tested', attributes: { weightScales: Float32Array.of(1) } },
    [x, { dtype: 'int8', shape: weight.shape, strides, data: constant as never }],
    [y],
  );
  return y.toArray();
}

describe('a constant', () => {
  it('is packed once for each layout in which it is given', () => {
    const constant = newConstant();
    const [asIs, transposed] = [
      [size, 1],
      [1, size],
    ];
    const [w, rows] = [weight.toArray(), x.toArray()];
    for (const strides of [asIs, transposed, asIs, transposed]) {
      const expected = Array.from({ length: 3 * size }, (_, i) => {
        const [row, channel] = [Math.floor(i / size), i % size];
        let sum = 0;
        for (let k = 0; k < size; k++) sum += rows[row * size + k] * w[channel * strides[0] + k * strides[1]];
        return sum;
      });
      expect(linear(constant, strides)).toEqual(expected);
    }
    const whole = addon.packedForms(constant).filter(({ byteLength }) => byteLength >= size * size);
    expect(whole.length).toBe(2);
    for (const { isFromFile } of whole) expect(isFromFile).toBe(false);
  });

  it('gives out its packed forms, and no others', () => {
    const constant = newConstant();
    expect(addon.packedForms(constant)).toEqual([]);
    linear(constant, [size, 1]);
    for (const { key, byteLength } of addon.packedForms(constant)) {
      addon.readPackedForm(constant, key, new Uint8Array(byteLength));
      expect(() => addon.readPackedForm(constant, key, new Uint8Array(byteLength - 1))).toThrow(
        /readPackedForm/,
      );
    }
    expect(() => addon.readPackedForm(constant, 'none', new Uint8Array(8))).toThrow(/has no form 'none'/);
    addon.releaseConstant(constant);
    expect(() => addon.packedForms(constant)).toThrow(/the constant was released/);
  });

  // oneDNN 3.12 has a layout of its own for the weights of a single row.
  it('is packed alike for all numbers of rows that a product may have', () => {
    const [inputs, outputs] = [96, 80];
    const b = uniform([inputs, outputs], -1, 1, 3);
    const constant = addon.createConstant('float32', b.shape, b.data);
    const weight = { dtype: 'float32', shape: b.shape, data: constant as never } as const;
    for (const rows of [1, 2, 8, 64]) {
      const a = uniform([rows, inputs], -1, 1, rows);
      const y = Tensor.zeros('float32', [rows, outputs]);
      addon.execute({ op: 'matmul', node: 'tested', attributes: { rowsVary: true } }, [a, weight], [y]);
      const [left, right] = [a.toArray(), b.toArray()];
      y.toArray().forEach((value, i) => {
        const [row, column] = [Math.floor(i / outputs), i % outputs];
        let sum = 0;
        for (let k = 0; k < inputs; k++) sum += left[row * inputs + k] * right[k * outputs + column];
        // 96 products of at most 1, whose sum may be rounded at each of them.
        expect(Math.abs(value - sum)).toBeLessThan(96 * 2 ** -20);
      });
    }
    expect(addon.packedForms(constant).length).toBeLessThanOrEqual(1);
  });
});
