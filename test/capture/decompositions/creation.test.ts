import { describe, expect, it } from 'vitest';
import { decompose } from '../../../lib/capture/decompositions/decompose.ts';
import type { Argument } from '../../../lib/graph/index.ts';
import { GraphBuilder, uniform } from '../../support/graph-builder.ts';
import { build, execute } from '../../support/run-plan.ts';

const x = uniform([2, 3], -1, 1, 1);

/** The plan of one call on `x`, and its result. */
function planOf(target: string, ...args: readonly Argument[]) {
  const b = new GraphBuilder();
  const module = b.finish(b.call(target, b.input('x', x.shape), ...args));
  decompose(module);
  const plan = build(module);
  const [{ dtype, shape, data }] = execute(plan, [x]);
  return { steps: plan.desc.steps.map(({ op }) => op), result: [dtype, shape, [...data]] };
}

describe('a tensor made like another, of a known size', () => {
  it.each<[string, Argument[], unknown[]]>([
    ['aten.new_zeros.default', [[2, 2]], ['float32', [2, 2], [0, 0, 0, 0]]],
    ['aten.new_ones.default', [[3]], ['float32', [3], [1, 1, 1]]],
    ['aten.new_empty.default', [[2]], ['float32', [2], [0, 0]]],
    ['aten.new_full.default', [[2], 7], ['float32', [2], [7, 7]]],
  ])('%s depends on no request', (target, args, expected) => {
    const { steps, result } = planOf(target, ...args);
    expect(result).toEqual(expected);
    // What is returned must be written; a constant is copied.
    expect(steps).toEqual(['copy']);
  });
});
