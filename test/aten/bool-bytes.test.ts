import { expect, it } from 'vitest';
import { Tensor } from '../../lib/tensor/index.ts';
import { callEverywhere } from '../support/eager-and-plan.ts';

/** As a caller or a file may have them: Tensors do not look into their memory. */
const bools = new Tensor('bool', Uint8Array.of(0, 1, 2, 128, 255), [5]);

// PyTorch: torch.frombuffer(bytearray([0, 1, 2, 128, 255]), dtype=torch.bool).to(...)
it.each(['float32', 'float64', 'bfloat16', 'float16', 'uint8', 'int64'] as const)(
  'every byte but 0 is true, in %s too',
  (dtype) => {
    const [cast, expected] = [bools, Tensor.from('bool', [0, 1, 1, 1, 1])].map((x) =>
      callEverywhere('aten._to_copy.default', [x], { dtype }),
    );
    expect(cast).toEqual(expected);
    expect(callEverywhere('aten.sum.default', [cast], { dtype: 'float32' })).toEqual(
      Tensor.from('float32', [4], []),
    );
  },
);

const one = Tensor.from('bool', [1, 1, 1, 1, 1]);

// PyTorch's results of the same bytes, beside True where there are two operands.
it.each([
  ['aten.bitwise_and.Tensor', [0, 1, 1, 1, 1], [bools, one]],
  ['aten.bitwise_or.Tensor', [1, 1, 1, 1, 1], [bools, one]],
  ['aten.bitwise_xor.Tensor', [1, 0, 0, 0, 0], [bools, one]],
  ['aten.eq.Tensor', [0, 1, 1, 1, 1], [bools, one]],
  ['aten.add.Tensor', [0, 1, 1, 1, 1], [bools, bools]],
  ['aten.logical_not.default', [1, 0, 0, 0, 0], [bools]],
] as const)('every byte but 0 is true for %s', (target, expected, operands) => {
  expect(callEverywhere(target, operands)).toEqual(Tensor.from('bool', expected));
});
