import { expect, test } from 'vitest';
import { lower } from '../../../lib/lowering/index.ts';
import { weightOnlyLinear } from '../../../lib/lowering/passes/weight-only-linear.ts';
import { compile } from '../../../lib/runtime/index.ts';
import { Tensor } from '../../../lib/tensor/index.ts';
import { GraphBuilder, uniform } from '../../support/graph-builder.ts';
import { calls, greatestDifference, interpret, runPass } from '../../support/run-pass.ts';

test.each([{ shape: [3, 16] }, { shape: [2, 5, 16] }])(
  'a float input of shape $shape meets the int8 weight, and the relu is fused',
  async ({ shape }) => {
    const build = new GraphBuilder();
    const x = build.input('x', shape);
    const y = build.call('aten.linear.default', x, build.weight('w', [7, 16]), build.parameter('b', [7]));
    const original = build.finish(build.call('aten.relu.default', y));
    expect(runPass(weightOnlyLinear, original).count).toBe(1);
    const { module, report } = lower(original, { strict: true });
    expect(calls(module)).toEqual(['octavo.weight_only_linear.default']);
    expect(report.passes).toContainEqual({ pass: 'weight-only-linear', count: 1 });
    const input = uniform(shape, -1, 1, 21);
    // float32 sums of 16 products of magnitude under 1 err by less than 16 * 2^-23.
    expect(greatestDifference(interpret(original, input)[0], interpret(module, input)[0])).toBeLessThan(1e-5);
    using model = compile(module, { threadsPerStream: 1 });
    const [output] = Object.values(await model.run(input)) as Tensor[];
    expect(greatestDifference(interpret(module, input)[0], output)).toBe(0);
    expect(model.plan(shape).steps.map(({ implementation }) => implementation)).toEqual([
      'octavo:int8_weight',
    ]);
  },
);

test('a weight that is not symmetric stays in float, with the reason', () => {
  const build = new GraphBuilder();
  const weight = build.call(
    'quantized_decomposed.dequantize_per_tensor.default',
    ...[build.constant('w', Tensor.zeros('int8', [4, 16])), 0.5, 3, -128, 127, 'int8'],
  );
  const module = build.finish(build.call('aten.linear.default', build.input('x', [2, 16]), weight));
  const { report } = lower(module);
  expect(report.refusals.map(({ reason }) => reason)).toEqual(['its weight is not symmetric int8']);
});
