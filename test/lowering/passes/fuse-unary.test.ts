import { expect, test } from 'vitest';
import type { Argument, Node } from '../../../lib/graph/index.ts';
import { fuseUnary } from '../../../lib/lowering/passes/fuse-unary.ts';
import { GraphBuilder, uniform } from '../../support/graph-builder.ts';
import { calls, greatestDifference, interpret, runPass } from '../../support/run-pass.ts';

function linear(build: GraphBuilder, x: Node): Node {
  const weight = build.parameter('w', [8, 8]);
  return build.call('mkldnn._linear_pointwise.default', x, weight, null, 'none', [], '');
}

const functions: readonly (readonly [string, readonly Argument[], string])[] = [
  ['aten.relu.default', [], 'relu'],
  ['aten.hardtanh.default', [-0.5, 0.75], 'hardtanh'],
  ['aten.relu6.default', [], 'hardtanh'],
  ['aten.clamp.default', [-0.25, 0.5], 'hardtanh'],
  ['aten.clamp_min.default', [0], 'relu'],
  ['aten.hardswish.default', [], 'hardswish'],
  ['aten.hardsigmoid.default', [], 'hardsigmoid'],
  ['aten.silu.default', [], 'swish'],
  ['aten.sigmoid.default', [], 'sigmoid'],
  ['aten.tanh.default', [], 'tanh'],
  ['aten.leaky_relu.default', [0.2], 'leaky_relu'],
  ['aten.gelu.default', [], 'gelu'],
];

test.each(functions)('%s %j is fused as %s', (target, rest, name) => {
  const build = new GraphBuilder();
  const original = build.finish(build.call(target, linear(build, build.input('x', [3, 8])), ...rest));
  const { module, count } = runPass(fuseUnary, original);
  expect(count).toBe(1);
  expect(calls(module)).toEqual(['mkldnn._linear_pointwise.default']);
  expect(module.graph.nodes.find(({ op }) => op === 'call_function')?.args[3]).toBe(name);
  const input = uniform([3, 8], -1, 1, 12);
  // Both approximate the function to float32; oneDNN promises about 1e-5 for its polynomials.
  expect(greatestDifference(interpret(original, input)[0], interpret(module, input)[0])).toBeLessThan(2e-5);
});

test('the approximate gelu stays approximate', () => {
  const build = new GraphBuilder();
  const x = linear(build, build.input('x', [3, 8]));
  const original = build.finish(build.graph.callFunction('aten.gelu.default', [x], { approximate: 'tanh' }));
  const { module } = runPass(fuseUnary, original);
  expect(module.graph.nodes.find(({ op }) => op === 'call_function')?.args[5]).toBe('tanh');
});

test('a clamp with one bound, a second function and a value with two users stay', () => {
  const build = new GraphBuilder();
  const x = build.input('x', [3, 8]);
  const twice = linear(build, x);
  const relu = build.call('aten.relu.default', twice);
  const bounded = build.call('aten.clamp.default', linear(build, x), 0.5);
  const { count, report } = runPass(fuseUnary, build.finish(relu, twice, bounded));
  expect(count).toBe(0);
  expect(report.refusals).toMatchObject([
    { node: relu.name, reason: expect.stringContaining('several users') },
  ]);
  const single = new GraphBuilder();
  const chain = single.call('aten.tanh.default', linear(single, single.input('x', [3, 8])));
  const module = single.finish(single.call('aten.relu.default', chain));
  expect(calls(runPass(fuseUnary, module).module)).toEqual([
    'mkldnn._linear_pointwise.default',
    'aten.relu.default',
  ]);
});
