import { expect, it } from 'vitest';
import { arrayTypeOf, integerRange } from '../../lib/tensor/index.ts';

it.each(['uint8', 'int8', 'uint16', 'int16', 'int32'] as const)(
  'the range of %s is what its array holds',
  (dtype) => {
    const { min, max } = integerRange(dtype);
    const array = new (arrayTypeOf(dtype))(4) as Int32Array;
    array.set([min, max, min - 1, max + 1]);
    // What does not fit wraps around.
    expect([...array]).toEqual([min, max, max, min]);
  },
);

it('int64 and what is no integer have no range in numbers', () => {
  expect((['int64', 'bool', 'float32'] as const).map((dtype) => integerRange(dtype))).toEqual([
    undefined,
    undefined,
    undefined,
  ]);
});
