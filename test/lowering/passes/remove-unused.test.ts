import { expect, test } from 'vitest';
import { removeUnused } from '../../../lib/lowering/passes/remove-unused.ts';
import { GraphBuilder } from '../graph-builder.ts';
import { calls, runPass } from '../run-pass.ts';

test('a chain that leads nowhere goes, inputs stay', () => {
  const build = new GraphBuilder();
  const [x] = [build.input('x', [2]), build.input('unused', [2])];
  build.call('aten.relu.default', build.call('aten.tanh.default', x));
  const { module, count } = runPass(removeUnused, build.finish(build.call('aten.relu.default', x)));
  expect(calls(module)).toEqual(['aten.relu.default']);
  expect(count).toBe(2);
  expect(module.graph.placeholders).toHaveLength(2);
});
