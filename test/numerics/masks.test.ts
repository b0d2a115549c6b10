import { describe, expect, it } from 'vitest';
import type { GraphModule } from '../../lib/graph/index.ts';
import {
  compareModelOutputs,
  compareModelShadows,
  generateNumericDebugHandle,
  rankLayers,
} from '../../lib/numerics/index.ts';
import { Tensor } from '../../lib/tensor/index.ts';
import { GraphBuilder, uniform } from '../support/graph-builder.ts';
import { withShapes } from '../support/with-shapes.ts';

/** Elements of a row: several vectors of eight, and some behind them. */
const length = 27;

/** Adds a mask to values times a factor. */
function masked(factor: number, mask: Float32Array): GraphModule {
  const b = new GraphBuilder();
  const scores = b.call('aten.mul.Tensor', b.input('x', [2, length]), factor);
  const module = withShapes(
    b.finish(b.call('aten.add.Tensor', scores, b.constant('mask', new Tensor('float32', mask, [length])))),
  );
  generateNumericDebugHandle(module);
  return module;
}

const maskOf = (...infinities: readonly (readonly [at: number, value: number])[]) => {
  const mask = new Float32Array(length);
  for (const [at, value] of infinities) mask[at] = value;
  return mask;
};

const input = uniform([2, length], -1, 1, 3);

describe.each([compareModelOutputs, compareModelShadows])('masks, in %o', (compare) => {
  it('a model with infinities inside does not differ from itself', async () => {
    const module = masked(1, maskOf([0, -Infinity], [9, Infinity], [26, -Infinity]));
    const found = [...(await compare(module, module, [input])).values()];
    expect(found.map(({ sqnr, maxError }) => [sqnr, maxError])).toEqual([
      [Infinity, 0],
      [Infinity, 0],
    ]);
  });

  it.each([0, 7, 8, 23, 24, 26])('what is masked at element %i is in no sum', async (at) => {
    const mask = maskOf([at, -Infinity]);
    const found = [...(await compareModelOutputs(masked(1, mask), masked(1.25, mask), [input])).values()];
    const kept = (input.data as Float32Array).filter((_, i) => i % length !== at);
    const squares = kept.reduce((sum, value) => sum + value ** 2, 0);
    // x = 1.25 y, so that |x - y| is |y| / 4 and a fifth of |x|; products are rounded to float32.
    expect(found[1].mseLoss).toBeCloseTo(squares / 16 / (2 * length), 6);
    expect(found[1].sqnr).toBeCloseTo(20 * Math.log10(5), 4);
    expect(found[1].relativeError).toBeCloseTo(0.25, 6);
  });

  it.each([3, 25])(
    'an infinity that only one has, or the other one, at element %i is an error',
    async (at) => {
      const reference = masked(1, maskOf([at, -Infinity]));
      for (const other of [0, Infinity, Number.NaN])
        await expect(compare(reference, masked(1, maskOf([at, other])), [input])).rejects.toThrow(
          /batch 0: node 'add_tensor' of the reference, 'add_tensor' of the actual model: a value is not a finite number/,
        );
    },
  );
});

describe('values without elements', () => {
  it('are left out, for nothing can be said of them', async () => {
    const b = new GraphBuilder();
    const x = b.call('aten.relu.default', b.input('x', [4, 6]));
    const nothing = b.call('aten.slice.Tensor', x, 0, 2, 2);
    const module = withShapes(b.finish(b.call('aten.neg.default', nothing), b.call('aten.neg.default', x)));
    generateNumericDebugHandle(module);
    const found = [...(await compareModelOutputs(module, module, [uniform([4, 6], -1, 1, 3)])).values()];
    expect(found.map(({ refNodeName, mseLoss }) => [refNodeName, mseLoss])).toEqual([
      ['relu_default', 0],
      ['neg_default_1', 0],
    ]);
    expect(rankLayers(new Map(found.map((node) => [node.handle, node])))).toHaveLength(2);
  });
});
