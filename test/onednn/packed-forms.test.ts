import { describe, expect, it } from 'vitest';
import { addon } from '../../lib/onednn/addon.ts';
import { Tensor } from '../../lib/tensor/index.ts';
import { uniform } from '../lowering/graph-builder.ts';

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
});
