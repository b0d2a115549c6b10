import { expect, test } from 'vitest';
import { cancelRequantize } from '../../../lib/lowering/passes/cancel-requantize.ts';
import { GraphBuilder } from '../../support/graph-builder.ts';
import { calls, runPass } from '../../support/run-pass.ts';

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
