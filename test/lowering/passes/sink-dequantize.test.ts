import { expect, test } from 'vitest';
import { lower } from '../../../lib/lowering/index.ts';
import { sinkDequantize } from '../../../lib/lowering/passes/sink-dequantize.ts';
import { Tensor } from '../../../lib/tensor/index.ts';
import { GraphBuilder, uniform } from '../../support/graph-builder.ts';
import { calls, greatestDifference, interpret, runPass } from '../../support/run-pass.ts';
import { build as buildPlan, execute } from '../../support/run-plan.ts';

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

test.each(['uint16', 'int16'] as const)(
  'pooling of %s stays on floats: no kernel compares such integers',
  (dtype) => {
    const build = new GraphBuilder();
    const x = build.input('x', [1, 2, 4, 4], dtype);
    const rest = [0.001, 100, 0, 30000, dtype];
    const real = build.call(dequantize, x, ...rest);
    const view = build.call('aten.view.default', build.call('aten.max_pool2d.default', real, [2, 2]), [1, 8]);
    const quantized = build.call('quantized_decomposed.quantize_per_tensor.default', view, ...rest);
    const integers = build.finish(quantized);
    expect(calls(runPass(sinkDequantize, integers).module)).toEqual(calls(integers));
    const { module } = lower(integers);
    const input = Tensor.from(
      dtype,
      [...Array(32).keys()].map((i) => (i * 7919) % 30000),
      [1, 2, 4, 4],
    );
    expect(interpret(module, input)[0].toArray()).toEqual(interpret(integers, input)[0].toArray());
    expect(execute(buildPlan(module), [input])[0].toArray()).toEqual(interpret(integers, input)[0].toArray());
  },
);

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
