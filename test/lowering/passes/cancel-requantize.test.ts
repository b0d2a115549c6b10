import { expect, test } from 'vitest';
import { lower } from '../../../lib/lowering/index.ts';
import { cancelRequantize } from '../../../lib/lowering/passes/cancel-requantize.ts';
import { Tensor } from '../../../lib/tensor/index.ts';
import { GraphBuilder } from '../../support/graph-builder.ts';
import { calls, interpret, runPass } from '../../support/run-pass.ts';

const requantized = (scale: number, zeroPoint: number, max = 255) => {
  const build = new GraphBuilder();
  const x = build.input('x', [4], 'uint8');
  return build.finish(
    build.call(
      'aten.flatten.using_ints',
      build.quantize(build.dequantize(x, 0.1, 7), scale, zeroPoint, max),
      0,
    ),
  );
};

test('quantize undoes a dequantize with the same parameters', () => {
  const { module, count } = runPass(cancelRequantize, requantized(0.1, 7));
  expect(count).toBe(1);
  expect(calls(module)).toEqual(['aten.flatten.using_ints']);
});

test('other parameters, or a narrower range, change the integers', () => {
  expect(runPass(cancelRequantize, requantized(0.2, 7)).count).toBe(0);
  expect(runPass(cancelRequantize, requantized(0.1, 8)).count).toBe(0);
  expect(runPass(cancelRequantize, requantized(0.1, 7, 127)).count).toBe(0);
});

/** What float64 arithmetic makes of every byte. */
const requantizedBytes = (scale: number, zeroPoint: number) =>
  Array.from({ length: 256 }, (_, byte) =>
    Math.min(255, Math.max(0, Math.round(((byte - 7) * 0.1) / scale) + zeroPoint)),
  );

test('scales that bring every integer back count as equal, and no others', () => {
  for (const scale of [0.1 * (1 + 1e-5), 0.1 / (1 + 1e-3), 0.1 * (1 + 3e-3), 0.1 * (1 - 1e-2)]) {
    const bytes = Array.from({ length: 256 }, (_, byte) => byte);
    const isIdentity = requantizedBytes(scale, 7).every((byte, i) => byte === bytes[i]);
    expect(runPass(cancelRequantize, requantized(scale, 7)).count).toBe(isIdentity ? 1 : 0);
  }
  expect(requantizedBytes(0.1 / (1 + 1e-3), 7)).toEqual(Array.from({ length: 256 }, (_, byte) => byte));
});

test('after a concatenation of integers, other users of which keep the real values', () => {
  const build = new GraphBuilder();
  const inputs = ['x', 'y'].map((name) => build.input(name, [1, 3], 'uint8'));
  const real = build.dequantize(build.call('aten.cat.default', inputs, 1), 0.1, 7);
  const again = build.quantize(real, 0.1000008, 7);
  const original = build.finish(build.call('aten.flatten.using_ints', again, 0), real);
  const { module } = lower(original);
  expect(calls(module)).toEqual([
    'aten.cat.default',
    'quantized_decomposed.dequantize_per_tensor.default',
    'aten.flatten.using_ints',
  ]);
  const tensors = [
    [0, 7, 255],
    [1, 128, 254],
  ].map((values) => Tensor.from('uint8', values, [1, 3]));
  expect(interpret(module, ...tensors)[0].toArray()).toEqual([0, 7, 255, 1, 128, 254]);
});
