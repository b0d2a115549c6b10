import { describe, expect, it } from 'vitest';
import { operators } from '../../lib/aten/index.ts';
import { Arguments } from '../../lib/graph/index.ts';
import { type DType, Tensor } from '../../lib/tensor/index.ts';

const { schema, execute } = (() => {
  const operator = operators.get('quantized_decomposed.convert_element_type.no_fuse');
  return { schema: operator.schema, execute: operator.execute.bind(operator) };
})();
const convert = (x: Tensor, dtype: DType) =>
  execute(Arguments.bind<Tensor>(schema, [x, dtype], {})) as Tensor;

/** IEEE 754 binary16, decoded by its definition. */
function decode(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 31) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1024 + fraction) * 2 ** (exponent - 25);
}

const toHalf = (values: readonly number[]) => [
  ...(convert(Tensor.from('float32', values), 'float16').data as Uint16Array),
];

describe('float16', () => {
  const all = Array.from({ length: 2 ** 16 }, (_, bits) => bits);
  const numbers = all.filter((bits) => !Number.isNaN(decode(bits)));

  it('reads every half as what it stands for', () => {
    const x = new Tensor('float16', Uint16Array.from(all), [all.length]);
    expect(convert(x, 'float32').toArray()).toEqual(all.map(decode));
  });

  it('writes every half back', () => {
    expect(toHalf(numbers.map(decode))).toEqual(numbers);
    expect(decode(toHalf([Number.NaN])[0])).toBeNaN();
  });

  it('rounds what lies between two halves to the nearer, and ties to the even one', () => {
    const positive = numbers.filter((bits) => bits < 0x7bff);
    const tie = (bits: number) => (decode(bits) + decode(bits + 1)) / 2;
    expect(toHalf(positive.map(tie))).toEqual(positive.map((bits) => bits + (bits & 1)));
    const eps = 2 ** -13;
    expect(toHalf(positive.map((bits) => tie(bits) * (1 - eps)))).toEqual(positive);
    expect(toHalf(positive.map((bits) => tie(bits) * (1 + eps)))).toEqual(positive.map((bits) => bits + 1));
    expect(toHalf([65519.99, 65520, -65520, 1e30])).toEqual([0x7bff, 0x7c00, 0xfc00, 0x7c00]);
  });
});
