import { expect, test } from 'vitest';
import { binaryArithmetic } from '../../../lib/lowering/passes/binary-arithmetic.ts';
import { GraphBuilder, uniform } from '../../support/graph-builder.ts';
import { calls, greatestDifference, interpret, runPass } from '../../support/run-pass.ts';

const quantize = 'quantized_decomposed.quantize_per_tensor.default';

test.each(['add.Tensor', 'sub.Tensor', 'mul.Tensor', 'maximum.default', 'minimum.default'])(
  'aten.%s takes in the dequantize of either operand, and broadcasts',
  (operator) => {
    const build = new GraphBuilder();
    const x = build.quantizeDequantize(build.input('x', [2, 3, 4, 4]), 0.01, 100);
    const gate = build.call('aten.sigmoid.default', build.input('gate', [2, 3, 1, 1]));
    const original = build.finish(
      build.call(`aten.${operator}`, x, gate),
      build.call(`aten.${operator}`, gate, x),
    );
    const { module, count } = runPass(binaryArithmetic, original);
    expect(count).toBe(2);
    expect(calls(module)).toEqual([
      quantize,
      'aten.sigmoid.default',
      'octavo.binary.default',
      'octavo.binary.default',
    ]);
    const inputs = [uniform([2, 3, 4, 4], -1, 1, 1), uniform([2, 3, 1, 1], -1, 1, 2)];
    const expected = interpret(original, ...inputs);
    interpret(module, ...inputs).forEach((actual, i) => {
      // One more or one less rounding to float32 of values below 2.
      expect(greatestDifference(expected[i], actual)).toBeLessThan(1e-6);
    });
  },
);

test('float arithmetic with nothing to take in stays as it is', () => {
  const build = new GraphBuilder();
  const [x, y] = [build.input('x', [4]), build.input('y', [4])];
  expect(runPass(binaryArithmetic, build.finish(build.call('aten.mul.Tensor', x, y))).count).toBe(0);
});
