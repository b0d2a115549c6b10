import { expect, it } from 'vitest';
import { type Dim, SymInt } from '../../lib/graph/index.ts';
import { buildPlan, ConstantStore } from '../../lib/plan/index.ts';
import { GraphBuilder, uniform } from '../support/graph-builder.ts';

/** What the plan for one row tells a linear layer and a matrix product with a constant. */
function toldOf(rows: Dim): unknown[] {
  const b = new GraphBuilder();
  const hidden = b.call(
    'aten.linear.default',
    b.input('x', [rows, 8]),
    b.constant('w', uniform([4, 8], -1, 1, 1)),
  );
  const module = b.finish(b.call('aten.mm.default', hidden, b.constant('b', uniform([4, 4], -1, 1, 2))));
  const { desc } = buildPlan(module, {
    inputs: [{ dtype: 'float32', shape: [1, 8] }],
    constants: new ConstantStore(),
    machine: { blocksChannels: false, threads: 1 },
  });
  return desc.steps.map(({ attributes }) => attributes.rowsVary);
}

it('products are told that their rows vary where an input has a symbolic size', () => {
  expect(toldOf(new SymInt(['s0']))).toEqual([true, true]);
  expect(toldOf(1)).toEqual([undefined, undefined]);
});
