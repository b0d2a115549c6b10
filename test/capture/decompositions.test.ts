import { describe, expect, it } from 'vitest';
import { operators } from '../../lib/aten/index.ts';
import { decompose } from '../../lib/capture/decompositions/decompose.ts';
import { promoteTypes } from '../../lib/capture/pt2/promote-types.ts';
import { Interpreter, type Node } from '../../lib/graph/index.ts';
import { Tensor } from '../../lib/tensor/index.ts';
import { GraphBuilder, uniform } from '../support/graph-builder.ts';

/** What a call gives for `x`, once it is decomposed. */
function run(x: Tensor, call: (b: GraphBuilder, x: Node) => Node): Tensor {
  const b = new GraphBuilder();
  const module = b.finish(call(b, b.input('x', x.shape)));
  decompose(module);
  module.graph.lint();
  return new Interpreter(module, operators).run([x])[0];
}

const numbers = (tensor: Tensor) => tensor.toArray().map(Number);

/** A few float32 roundings. */
function expectClose(actual: Tensor, shape: readonly number[], expected: readonly number[]): void {
  expect(actual.shape).toEqual(shape);
  for (const [i, value] of numbers(actual).entries())
    expect(Math.abs(value - expected[i])).toBeLessThan(1e-6 * Math.max(1, Math.abs(expected[i])));
}

describe('decomposed', () => {
  it.each([
    [[2, 3, 5, 4], [3]],
    [[2, 3, 5], [3]],
    [[4, 3], [3]],
    [[2, 3, 5, 4], [1]],
  ])('prelu of %j with slopes %j', (shape, slopes) => {
    const [x, w] = [uniform(shape, -2, 2, 1), uniform(slopes, 0.1, 0.9, 2)];
    const pixels = shape.slice(2).reduce((a, b) => a * b, 1);
    const slope = (i: number) => Number(w.data[slopes[0] === 1 ? 0 : Math.floor(i / pixels) % slopes[0]]);
    const expected = numbers(x).map((value, i) => (value > 0 ? value : value * slope(i)));
    const result = run(x, (b, input) => b.call('aten.prelu.default', input, b.constant('w', w)));
    expectClose(result, shape, expected);
  });

  it.each([
    [true, 1e-5],
    [true, null],
    [false, 0.5],
  ])('rms_norm over two extents (weight: %s, eps: %s)', (hasWeight, eps) => {
    const x = uniform([3, 4, 5], -2, 2, 3);
    const w = hasWeight ? uniform([4, 5], 0.5, 1.5, 4) : undefined;
    const values = numbers(x);
    const expected = values.map((value, i) => {
      const row = values.slice(i - (i % 20), i - (i % 20) + 20);
      const meanSquare = row.reduce((sum, each) => sum + each * each, 0) / 20;
      return (value / Math.sqrt(meanSquare + (eps ?? 2 ** -23))) * Number(w?.data[i % 20] ?? 1);
    });
    const result = run(x, (b, input) =>
      b.call('aten.rms_norm.default', input, [4, 5], w ? b.constant('w', w) : null, eps),
    );
    expectClose(result, [3, 4, 5], expected);
  });

  it.each([
    [[3, 8], -1],
    [[2, 6, 5], 1],
    [[4, 3], 0],
  ])('glu of %j along %d: the second half opens gates for the first', (shape, dim) => {
    const x = uniform(shape, -3, 3, 5);
    const axis = (dim + shape.length) % shape.length;
    const inner = shape.slice(axis + 1).reduce((a, b) => a * b, 1);
    const half = (shape[axis] / 2) * inner;
    const values = numbers(x);
    const expected = values
      .filter((_, i) => Math.floor(i / half) % 2 === 0)
      .map((value, i) => {
        const gate = values[Math.floor(i / half) * 2 * half + half + (i % half)];
        return value / (1 + Math.exp(-gate));
      });
    const halved = shape.map((extent, i) => (i === axis ? extent / 2 : extent));
    expectClose(
      run(x, (b, input) => b.call('aten.glu.default', input, dim)),
      halved,
      expected,
    );
  });

  it('pixel_shuffle: a channel becomes a block of pixels', () => {
    const x = Tensor.from('float32', [...Array(2 * 12 * 2 * 3).keys()], [2, 12, 2, 3]);
    const expected: number[] = [];
    for (let n = 0; n < 2; n++)
      for (let c = 0; c < 3; c++)
        for (let h = 0; h < 4; h++)
          for (let w = 0; w < 6; w++) {
            const channel = c * 4 + (h % 2) * 2 + (w % 2);
            expected.push(((n * 12 + channel) * 2 + (h >> 1)) * 3 + (w >> 1));
          }
    const shuffled = (of: Tensor) => run(of, (b, input) => b.call('aten.pixel_shuffle.default', input, 2));
    expectClose(shuffled(x), [2, 3, 4, 6], expected);
    expect(shuffled(uniform([12, 2, 3], 0, 1, 1)).shape).toEqual([3, 4, 6]);
    expect(() => shuffled(uniform([2, 3], 0, 1, 1))).toThrow('axis -3 is out of range for 2 extents');
  });
});

describe('type promotion', () => {
  it('casts int64 and bool that meet floats, and nothing else', () => {
    const b = new GraphBuilder();
    const x = b.input('x', [2, 3]);
    const others = (['int64', 'bool', 'uint8', 'float32'] as const).map((dtype) =>
      b.input(dtype, [2, 1], dtype),
    );
    const count = b.constant('count', Tensor.scalar('int64', 7));
    count.meta.val = { dtype: 'int64', shape: [] };
    const sums = [...others, count].map((other) => b.call('aten.add.Tensor', other, x));
    for (const sum of sums) sum.meta.val = { dtype: 'float32', shape: [2, 3] };
    const module = b.finish(...sums);
    promoteTypes(module);
    expect(sums.map((sum) => (sum.args[0] as Node).target)).toEqual([
      ...['aten.to.dtype', 'aten.to.dtype', 'uint8', 'float32', 'count'],
    ]);
    const values = others.map((_, i) =>
      Tensor.from((['int64', 'bool', 'uint8', 'float32'] as const)[i], [1, 0], [2, 1]),
    );
    const input = Tensor.from('float32', [1, 2, 3, 4, 5, 6], [2, 3]);
    const results = new Interpreter(module, operators).run([input, ...values]);
    for (const result of results.slice(0, 4)) expect(result.toArray()).toEqual([2, 3, 4, 4, 5, 6]);
    expect(results[4].toArray()).toEqual([8, 9, 10, 11, 12, 13]);
  });

  it('casts integers that meet a number which is a float in Python, and names the dtype of new tensors', () => {
    const b = new GraphBuilder();
    const ids = b.input('ids', [3], 'int64');
    const mask = b.input('mask', [3], 'bool');
    const calls = [
      b.call('aten.mul.Tensor', ids, 2),
      b.call('aten.where.ScalarOther', mask, ids, 1),
      b.call('aten.full.default', [3], 1),
      b.call('aten.mul.Tensor', ids, 2),
    ];
    for (const call of calls.slice(0, 3)) {
      call.meta.val = { dtype: 'float32', shape: [3] };
      call.meta.floatArguments = ['other'];
    }
    calls[3].meta.val = { dtype: 'int64', shape: [3] };
    const module = b.finish(...calls);
    promoteTypes(module);
    const inputs = [Tensor.from('int64', [1, 2, 3]), Tensor.from('bool', [1, 0, 1])];
    const results = new Interpreter(module, operators).run(inputs);
    expect(results.map(({ dtype }) => dtype)).toEqual(['float32', 'float32', 'float32', 'int64']);
    expect(results.map((result) => result.toArray())).toEqual([
      [2, 4, 6],
      [1, 1, 3],
      [1, 1, 1],
      [2, 4, 6],
    ]);
  });
});
