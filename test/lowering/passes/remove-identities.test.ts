import { expect, test } from 'vitest';
import { removeIdentities } from '../../../lib/lowering/passes/remove-identities.ts';
import { GraphBuilder, uniform } from '../../support/graph-builder.ts';
import { calls, interpret, runPass } from '../../support/run-pass.ts';

test('dropout outside training, clones and views to the same shape go', () => {
  const build = new GraphBuilder();
  const relu = build.call('aten.relu.default', build.input('x', [2, 3]));
  const dropout = build.call('aten.dropout.default', relu, 0.5, false);
  const clone = build.call('aten.clone.default', dropout);
  const same = build.call('aten.view.default', clone, [2, 3]);
  const other = build.call('aten.view.default', same, [6]);
  const { module, count, report } = runPass(removeIdentities, build.finish(other));
  expect(calls(module)).toEqual(['aten.relu.default', 'aten.view.default']);
  expect(count).toBe(3);
  expect(report.nodes[1]).toMatchObject({
    node: dropout.name,
    computedBy: [],
    removedBy: 'remove-identities',
  });
});

test('average pooling to the size an image has goes, to another stays', () => {
  const build = new GraphBuilder();
  const relu = build.call('aten.relu.default', build.input('x', [2, 3, 4, 5]));
  const same = build.call('aten.adaptive_avg_pool2d.default', relu, [4, 5]);
  const other = build.call('aten.adaptive_avg_pool2d.default', same, [5, 4]);
  const original = build.finish(other);
  const { module, count } = runPass(removeIdentities, original);
  expect(count).toBe(1);
  expect(calls(module)).toEqual(['aten.relu.default', 'aten.adaptive_avg_pool2d.default']);
  const input = uniform([2, 3, 4, 5], -1, 1, 4);
  expect(interpret(module, input)[0].toArray()).toEqual(interpret(original, input)[0].toArray());
});

test('a copy that makes an input an output stays', () => {
  const build = new GraphBuilder();
  const clone = build.call('aten.clone.default', build.input('x', [2, 3]));
  expect(runPass(removeIdentities, build.finish(clone)).count).toBe(0);
});
