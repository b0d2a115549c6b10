import { expect, test } from 'vitest';
import { canonicalCalls } from '../../../lib/lowering/passes/canonical-calls.ts';
import { GraphBuilder } from '../../support/graph-builder.ts';
import { calls, runPass } from '../../support/run-pass.ts';

test('in-place operators take their functional name, arguments their position', () => {
  const build = new GraphBuilder();
  const x = build.input('x', [2, 3]);
  const relu = build.call('aten.relu_.default', x);
  const cat = build.graph.callFunction('aten.cat.default', [[relu, x]], { dim: 1 });
  const sum = build.graph.callFunction('aten.add.Tensor', [cat, cat], { alpha: 2 });
  const { module, count } = runPass(canonicalCalls, build.finish(sum));
  expect(calls(module)).toEqual(['aten.relu.default', 'aten.cat.default', 'aten.add.Tensor']);
  expect(count).toBe(2);
  const [, concatenation, addition] = module.graph.nodes.filter((node) => node.op === 'call_function');
  expect(concatenation.args[1]).toBe(1);
  expect(concatenation.kwargs).toEqual({});
  expect(addition.kwargs).toEqual({ alpha: 2 });
});
