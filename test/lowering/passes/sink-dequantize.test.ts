import { expect, test } from 'vitest';
import { sinkDequantize } from '../../../lib/lowering/passes/sink-dequantize.ts';
import { GraphBuilder, uniform } from '../../support/graph-builder.ts';
import { calls, greatestDifference, interpret, runPass } from '../../support/run-pass.ts';

const dequantize = 'quantized_decomposed.dequantize_per_tensor.default';

test('pooling and views run on the integers', () => {
  const build = new GraphBuilder();
  const x = build.input('x', [1, 2, 4, 4]);
  const integers = build.quantize(x, 0.01, 100);
  const pool = build.call('aten.max_pool2d.default', build.dequantize(integers, 0.01, 100), [2, 2]);
  const original = build.finish(build.call('aten.permute.default', pool, [0, 2, 3, 1]));
  const { module, count } = runPass(sinkDequantize, original);
  expect(calls(module).slice(1)).toEqual(['aten.max_pool2d.default', 'aten.permute.default', dequantize]);
  expect(count).toBe(2);
  const input = uniform([1, 2, 4, 4], -1, 1, 3);
  // Dequantizing is monotonic: it commutes with taking the greatest.
  expect(greatestDifference(interpret(original, input)[0], interpret(module, input)[0])).toBe(0);
});

test('a concatenation runs on integers only where all inputs mean the same by them', () => {
  const concatenated = (otherScale: number) => {
    const build = new GraphBuilder();
    const [a, b] = [build.input('a', [1, 2], 'uint8'), build.input('b', [1, 3], 'uint8')];
    const inputs = [build.dequantize(a, 0.1, 5), build.dequantize(b, otherScale, 5)];
    return build.finish(build.call('aten.cat.default', inputs, 1));
  };
  const { module, count } = runPass(sinkDequantize, concatenated(0.1));
  expect(count).toBe(1);
  expect(calls(module)).toEqual(['aten.cat.default', dequantize]);
  expect(runPass(sinkDequantize, concatenated(0.2)).count).toBe(0);
});
