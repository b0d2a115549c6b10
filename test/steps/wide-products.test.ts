import { describe, expect, it } from 'vitest';
import { lower } from '../../lib/lowering/index.ts';
import { compile } from '../../lib/runtime/index.ts';
import { GraphBuilder, uniform } from '../support/graph-builder.ts';

/** Out of how many terms, to how many columns: rows of 1 KiB and more are spread over the cache's sets. */
const layers = [
  [48, 256],
  [33, 1000],
  [64, 1024],
  [1, 4096],
  [20, 255],
] as const;

describe('float32 layers of many columns', () => {
  for (const [terms, columns] of layers)
    it.each([1, 3, 70])(`${terms} terms, ${columns} columns: %i rows`, async (rows) => {
      const b = new GraphBuilder();
      const [x, other] = [b.input('x', [rows, terms]), b.input('other', [rows, columns])];
      const [w, bias] = [b.parameter('w', [columns, terms]), b.parameter('b', [columns])];
      const sum = b.call('aten.add.Tensor', b.call('aten.linear.default', x, w, bias), other);
      const module = b.finish(b.call('aten.relu.default', sum));
      const [xs, added] = [uniform([rows, terms], -1, 1, 7), uniform([rows, columns], -1, 1, 8)];
      const [a, o, weights, shift] = [xs, added, ...module.attributes.values()].map((t) => t.toArray());
      const expected = o.map((addend, i) => {
        const [row, column] = [Math.floor(i / columns), i % columns];
        let value = shift[column] + addend;
        for (let k = 0; k < terms; k++) value += a[row * terms + k] * weights[column * terms + k];
        return Math.max(value, 0);
      });
      using model = compile(lower(module).module, { threadsPerStream: 2 });
      const [result] = Object.values(await model.run([xs, added]));
      const differences = result.toArray().map((value, i) => Math.abs(value - expected[i]));
      const worst = differences.reduce((a, b) => Math.max(a, b));
      // Some 70 roundings of sums below 70, 4e-6 each at worst.
      expect(worst).toBeLessThan(1e-4);
    });
});
