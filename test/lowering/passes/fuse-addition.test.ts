import { expect, test } from 'vitest';
import type { Node } from '../../../lib/graph/index.ts';
import { fuseAddition } from '../../../lib/lowering/passes/fuse-addition.ts';
import { Tensor } from '../../../lib/tensor/index.ts';
import { GraphBuilder, uniform } from '../../support/graph-builder.ts';
import { calls, greatestDifference, interpret, runPass } from '../../support/run-pass.ts';

const shape = [1, 4, 5, 5];
const input = uniform(shape, -1, 1, 8);

/** A float convolution in its fusable form, 4 channels to 4. */
function convolution(build: GraphBuilder, x: Node, name: string): Node {
  const weight = build.parameter(name, [4, 4, 1, 1]);
  const geometry = [[0, 0], [1, 1], [1, 1], 1, 'none', [], ''];
  return build.call('mkldnn._convolution_pointwise.default', x, weight, null, ...geometry);
}

/** A quantized convolution that gives float32, 4 channels to 4. */
function quantizedConvolution(build: GraphBuilder, x: Node, scale: number, zeroPoint: number): Node {
  const [, scales, zeroPoints] = build.weight('w', [4, 4, 1, 1]).args;
  return build.call(
    'onednn.qconv2d_pointwise.default',
    ...[x, scale, zeroPoint, build.graph.getAttr('w'), scales, zeroPoints, null],
    ...[[1, 1], [0, 0], [1, 1], 1, 1, 0, 'float32', 'none', [], ''],
  );
}

test.each([[false], [true]])(
  'an addition is fused in both operand orders (convolution first: %s)',
  (first) => {
    const build = new GraphBuilder();
    const x = build.input('x', shape);
    const other = build.call('aten.tanh.default', x);
    const conv = convolution(build, x, 'w');
    const original = build.finish(build.call('aten.add.Tensor', ...(first ? [conv, other] : [other, conv])));
    const { module, count } = runPass(fuseAddition, original);
    expect(count).toBe(1);
    expect(calls(module)).toEqual(['aten.tanh.default', 'mkldnn._convolution_pointwise.binary']);
    // float32 sums in another order.
    expect(greatestDifference(interpret(original, input)[0], interpret(module, input)[0])).toBeLessThan(1e-5);
  },
);

test('of two convolutions the later one adds, whichever operand it is', () => {
  const build = new GraphBuilder();
  const x = build.input('x', shape);
  const [early, late] = [convolution(build, x, 'early'), convolution(build, x, 'late')];
  const original = build.finish(build.call('aten.add.Tensor', late, early));
  const { module, count } = runPass(fuseAddition, original);
  expect(count).toBe(1);
  expect(calls(module)).toEqual([
    'mkldnn._convolution_pointwise.default',
    'mkldnn._convolution_pointwise.binary',
  ]);
  expect(module.graph.nodes.find(({ target }) => target.endsWith('.binary'))?.args[1]).toMatchObject({
    name: early.name,
  });
  // float32 sums in another order.
  expect(greatestDifference(interpret(original, input)[0], interpret(module, input)[0])).toBeLessThan(1e-5);
});

test('8-bit integers are added as they are, with their own parameters', () => {
  const build = new GraphBuilder();
  const x = build.quantize(build.input('x', shape), 0.01, 117);
  const other = build.dequantize(x, 0.01, 117);
  const original = build.finish(
    build.call('aten.add.Tensor', other, quantizedConvolution(build, x, 0.01, 117)),
  );
  const { module, count, report } = runPass(fuseAddition, original);
  expect(count).toBe(1);
  expect(calls(module).at(-1)).toBe('onednn.qconv2d_pointwise.binary');
  expect(calls(module)).not.toContain('quantized_decomposed.dequantize_per_tensor.default');
  expect(report.nodes.find(({ node }) => node === other.name)?.step).toBe('onednn.qconv2d_pointwise.binary');
  // float32 rounding of values below 4.
  expect(greatestDifference(interpret(original, input)[0], interpret(module, input)[0])).toBeLessThan(1e-5);
});

test('what cannot be fused is refused with the reason', () => {
  const refused = (write: (build: GraphBuilder, conv: Node, x: Node) => readonly Node[]) => {
    const build = new GraphBuilder();
    const x = build.input('x', shape);
    const { count, report } = runPass(
      fuseAddition,
      build.finish(...write(build, convolution(build, x, 'w'), x)),
    );
    expect(count).toBe(0);
    return report.refusals.map(({ reason }) => reason).join();
  };
  const add = 'aten.add.Tensor';
  expect(refused((b, conv) => [b.call(add, conv, conv)])).toContain('added to itself');
  expect(refused((b, conv) => [b.call(add, conv, 1)])).toContain('not a tensor');
  expect(refused((b, conv, x) => [b.call(add, conv, x), conv])).toContain('several users');
  expect(refused((b, conv) => [b.call(add, conv, b.parameter('p', [4, 1, 1]))])).toContain('shapes');
  const integers = Tensor.zeros('int64', shape);
  expect(refused((b, conv) => [b.call(add, conv, b.constant('n', integers))])).toContain(
    'dtypes float32 and int64',
  );
  expect(refused((b, conv, x) => [b.graph.callFunction(add, [conv, x], { alpha: 2 })])).toContain('alpha');
});
