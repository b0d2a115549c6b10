import { expect, test } from 'vitest';
import type { Node } from '../../../lib/graph/index.ts';
import { lower } from '../../../lib/lowering/index.ts';
import { recognizeIntegerProduct } from '../../../lib/lowering/passes/recognize-integer-product.ts';
import { Tensor } from '../../../lib/tensor/index.ts';
import { GraphBuilder, uniform } from '../../support/graph-builder.ts';
import { calls, interpret, runPass } from '../../support/run-pass.ts';

const bytes = (count: number, step: number) =>
  Array.from({ length: count }, (_, i) => ((i * step) % 127) - 63);
const a = Tensor.from('int8', bytes(5 * 32, 37), [5, 32]);
const w = Tensor.from('int8', bytes(6 * 32, 91), [6, 32]);
const tokenScales = uniform([5, 1], 0.01, 0.02, 3);
const scales = uniform([6], 0.001, 0.01, 9);

function graph(write: (build: GraphBuilder, sum: Node, tokens: Node, s: Node) => Node) {
  const build = new GraphBuilder();
  const [x, tokens] = [build.input('a', [5, 32], 'int8'), build.input('tokens', [5, 1])];
  const turned = build.call('aten.permute.default', build.constant('w', w), [1, 0]);
  const sum = build.call('aten.to.dtype', build.call('aten._int_mm.default', x, turned), 'float32');
  return build.finish(write(build, sum, tokens, build.constant('s', scales)));
}

const reference = (withTokens: boolean) =>
  Array.from({ length: 30 }, (_, i) => {
    const [row, channel] = [Math.floor(i / 6), i % 6];
    let sum = 0;
    for (let k = 0; k < 32; k++) sum += a.toArray()[row * 32 + k] * w.toArray()[channel * 32 + k];
    return sum * scales.toArray()[channel] * (withTokens ? tokenScales.toArray()[row] : 1);
  });

const mul = 'aten.mul.Tensor';

test.each<[string, boolean, Parameters<typeof graph>[0]]>([
  ['a scale a token, then one a channel', true, (b, sum, t, s) => b.call(mul, b.call(mul, sum, t), s)],
  ['the scale of a channel alone', false, (b, sum, _, s) => b.call(mul, s, sum)],
])('%s', (_, withTokens, write) => {
  const original = graph(write);
  const { module, count, report } = runPass(recognizeIntegerProduct, original);
  expect([count, report.refusals]).toEqual([1, []]);
  expect(calls(module)).toContain('aten.linear.default');
  expect(calls(module)).not.toContain('aten._int_mm.default');
  const { module: lowered } = lower(original, { strict: true });
  expect(calls(lowered)).toEqual(['onednn.qlinear_pointwise.default', ...(withTokens ? [mul] : [])]);
  const result = interpret(lowered, a, tokenScales)[0].toArray();
  // Exact sums, and two float32 products of values below 1300.
  for (const [i, value] of reference(withTokens).entries())
    expect(Math.abs(result[i] - value)).toBeLessThan(1300 * 2 ** -22);
});

test('what cannot be rewritten is refused with the reason', () => {
  const { report } = runPass(
    recognizeIntegerProduct,
    graph((b, sum, t) => b.call('aten.add.Tensor', sum, t)),
  );
  expect(report.refusals.map(({ reason }) => reason)).toEqual([
    "the weight's scales are not multiplied in next",
  ]);
});

const cast = 'aten.to.dtype';

/** The form for CPUs that multiply uint8 faster: activations are shifted by 128, which is subtracted from the sums. */
function shifted(shift: number, write: (build: GraphBuilder, turned: Node, sum: Node) => Node) {
  const build = new GraphBuilder();
  const [x, tokens] = [build.input('a', [5, 32], 'int8'), build.input('tokens', [5, 1])];
  const widened = build.call('aten.add.Tensor', build.call(cast, x, 'int32'), shift);
  const turned = build.call('aten.t.default', build.constant('w', w));
  const product = build.call('aten._int_mm.default', build.call(cast, widened, 'uint8'), turned);
  const sum = build.call(cast, write(build, turned, product), 'float32');
  return build.finish(
    build.call(
      'aten.add.Tensor',
      build.call(mul, build.call(mul, sum, tokens), build.constant('s', scales)),
      build.constant('bias', uniform([6], -1, 1, 4)),
    ),
  );
}

const compensation = Tensor.from(
  'int32',
  Array.from(
    { length: 6 },
    (_, channel) =>
      128 *
      w
        .toArray()
        .slice(channel * 32, (channel + 1) * 32)
        .reduce((sum, v) => sum + v, 0),
  ),
);
const stored = (b: GraphBuilder, _: Node, product: Node) =>
  b.call('aten.sub.Tensor', product, b.constant('compensation', compensation));

test.each<[string, Parameters<typeof shifted>[1]]>([
  ['stored', stored],
  [
    'computed from the weight',
    (b, turned, product) => {
      const sums = b.call('aten.sum.dim_IntList', b.call(cast, turned, 'int32'), [0]);
      return b.call('aten.sub.Tensor', product, b.call(cast, b.call(mul, sums, 128), 'int32'));
    },
  ],
])('activations shifted to uint8, what to subtract %s', (_, write) => {
  const original = shifted(128, write);
  const { module, count, report } = runPass(recognizeIntegerProduct, original);
  expect([count, report.refusals]).toEqual([1, []]);
  expect(calls(module)).not.toContain('aten._int_mm.default');
  const { module: lowered } = lower(original, { strict: true });
  expect(calls(lowered)).not.toContain(cast);
  expect(calls(lowered)[0]).toBe('onednn.qlinear_pointwise.default');
  const result = interpret(lowered, a, tokenScales)[0].toArray();
  const bias = uniform([6], -1, 1, 4).toArray();
  // As above, and one addition.
  for (const [i, value] of reference(true).entries())
    expect(Math.abs(result[i] - value - bias[i % 6])).toBeLessThan(1300 * 2 ** -22);
});

test('another shift, or other sums, are refused with the reason', () => {
  const reasons = (original: ReturnType<typeof shifted>) =>
    runPass(recognizeIntegerProduct, original).report.refusals.map(({ reason }) => reason);
  expect(reasons(shifted(127, stored))).toEqual([
    'its first matrix is uint8, but not int8 that was widened to int32 and shifted by 128',
  ]);
  const other = Tensor.from('int32', [1, 2, 3, 4, 5, 6]);
  const reason = 'what the shift by 128 adds to its sums is not subtracted next';
  expect(
    reasons(shifted(128, (b, _, sum) => b.call('aten.sub.Tensor', sum, b.constant('c', other)))),
  ).toEqual([reason]);
  expect(reasons(shifted(128, (_, __, sum) => sum))).toEqual([reason]);
});
