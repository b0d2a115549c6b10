import { expect, test } from 'vitest';
import { absorbCasts } from '../../../lib/lowering/passes/absorb-casts.ts';
import { Tensor } from '../../../lib/tensor/index.ts';
import { GraphBuilder } from '../../support/graph-builder.ts';
import { calls, interpret, runPass } from '../../support/run-pass.ts';

const integers = Tensor.from('uint8', [0, 9, 100, 255]);

test('a dequantize gives the dtype that its result is cast to', () => {
  const build = new GraphBuilder();
  const x = build.dequantize(build.input('x', [4], 'uint8'), 0.013, 9);
  const original = build.finish(build.call('aten.to.dtype', x, 'bfloat16'));
  const { module, count } = runPass(absorbCasts, original);
  expect(count).toBe(1);
  expect(calls(module)).toEqual(['quantized_decomposed.dequantize_per_tensor.default']);
  expect(interpret(module, integers)).toEqual(interpret(original, integers));
});

test('a quantized layer gives float32 at once, where it would be rounded only to be widened', () => {
  const build = new GraphBuilder();
  const [weight, scales, zeroPoints] = build.weight('w', [3, 4]).args;
  const layer = (dtype: string) =>
    build.call(
      'onednn.qlinear_pointwise.default',
      ...[build.input(`x_${dtype}`, [1, 4], 'uint8'), 0.01, 117, weight, scales, zeroPoints],
      ...[null, 1, 0, dtype, 'none', [], ''],
    );
  const cast = build.call('aten.to.dtype', layer('bfloat16'), 'float32');
  const { module, count } = runPass(absorbCasts, build.finish(cast, layer('float32')));
  expect(count).toBe(1);
  expect(calls(module)).not.toContain('aten.to.dtype');
  const [absorbed, direct] = interpret(module, integers.view([1, 4]), integers.view([1, 4]));
  expect(absorbed).toEqual(direct);
});

test('casts stay where somebody wants the value as it is, and behind operators that have no choice', () => {
  const build = new GraphBuilder();
  const x = build.dequantize(build.input('x', [4], 'uint8'), 0.013, 9);
  const relu = build.call('aten.relu.default', x);
  const { count } = runPass(
    absorbCasts,
    build.finish(
      build.call('aten.to.dtype', x, 'bfloat16'),
      build.call('aten.to.dtype', relu, 'bfloat16'),
      build.call('aten.to.dtype', build.dequantize(build.input('y', [4], 'uint8'), 1, 0), 'int32'),
    ),
  );
  expect(count).toBe(0);
});
