import { describe, expect, it } from 'vitest';
import { resultType } from '../../lib/aten/result-type.ts';
import type { DType } from '../../lib/tensor/index.ts';

const tensor = (dtype: DType) => ({ dtype, shape: [2] });
const scalar = (dtype: DType) => ({ dtype, shape: [] });

/** What `torch.result_type` of PyTorch 2.6 returns. */
const cases: readonly [Parameters<typeof resultType>[0], DType][] = [
  [[tensor('uint8'), tensor('int8')], 'int16'],
  [[tensor('bool'), tensor('uint8')], 'uint8'],
  [[tensor('int16'), tensor('uint8')], 'int16'],
  [[tensor('int64'), tensor('bfloat16')], 'bfloat16'],
  [[tensor('float16'), tensor('bfloat16')], 'float32'],
  [[tensor('float16'), scalar('float64')], 'float16'],
  [[tensor('int32'), scalar('float64')], 'float64'],
  [[tensor('int8'), scalar('int64')], 'int8'],
  [[tensor('bool'), scalar('int64')], 'int64'],
  [[scalar('int8'), scalar('int64')], 'int64'],
  [[tensor('int8'), 3], 'int8'],
  [[tensor('int8'), 2.5], 'float32'],
  [[tensor('bool'), 3], 'int64'],
  [[tensor('bool'), true], 'bool'],
  [[tensor('float16'), 2.5], 'float16'],
  [[scalar('int32'), 2.5], 'float32'],
  [[1, 2.5], 'float32'],
  [[true, 1], 'int64'],
];

describe('the dtype of several operands', () => {
  it.each(cases)('%j is %s', (operands, expected) => {
    expect(resultType(operands, 'add')).toBe(expected);
    expect(resultType([...operands].reverse(), 'add')).toBe(expected);
  });

  it('does not exist for uint16 and another integer', () => {
    expect(() => resultType([tensor('uint16'), tensor('int32')], 'aten.add.Tensor')).toThrow(
      'aten.add.Tensor: uint16 and int32 have no common dtype in PyTorch; cast one of them',
    );
  });
});
