import { expect, it } from 'vitest';
import { precisionsHere } from '../../bench/precisions.ts';
import { lower } from '../../lib/index.ts';
import { GraphBuilder, uniform } from '../support/graph-builder.ts';

const { precisions, missing } = precisionsHere();

function network() {
  const b = new GraphBuilder();
  const weight = b.constant('weight', uniform([4, 8], -1, 1, 1));
  return b.finish(b.call('aten.linear.default', b.input('x', [2, 8]), weight));
}

it.each(precisions)('$name can be lowered here', ({ options }) => {
  expect(lower(network(), options).module.graph.nodes.length).toBeGreaterThan(2);
});

it('bfloat16 is left out where it cannot, with the reason', () => {
  const has = precisions.some(({ options }) => options.autocast !== undefined);
  expect(missing === undefined).toBe(has);
  if (!has) expect(() => lower(network(), { autocast: 'bfloat16' })).toThrow(missing!.split(': ')[1]);
});
