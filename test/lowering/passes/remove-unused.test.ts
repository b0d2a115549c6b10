import { expect, test } from 'vitest';
import { SymInt } from '../../../lib/graph/index.ts';
import { removeUnused } from '../../../lib/lowering/passes/remove-unused.ts';
import { GraphBuilder } from '../../support/graph-builder.ts';
import { calls, runPass } from '../../support/run-pass.ts';

test('a chain that leads nowhere goes, inputs stay', () => {
  const build = new GraphBuilder();
  const [x] = [build.input('x', [2]), build.input('unused', [2])];
  build.call('aten.relu.default', build.call('aten.tanh.default', x));
  const { module, count } = runPass(removeUnused, build.finish(build.call('aten.relu.default', x)));
  expect(calls(module)).toEqual(['aten.relu.default']);
  expect(count).toBe(2);
  expect(module.graph.placeholders).toHaveLength(2);
});

test('what is asserted of sizes stays', () => {
  const build = new GraphBuilder();
  const x = build.input('x', [new SymInt(['s0'])]);
  const large = build.call('operator.ge', build.call('aten.sym_size.int', x, 0), 5);
  build.call('aten._assert_scalar.default', large, 's0 >= 5');
  const { module } = runPass(removeUnused, build.finish(build.call('aten.relu.default', x)));
  expect(calls(module)).toHaveLength(4);
});
