import { expect, test } from 'vitest';
import { lower } from '../../../lib/lowering/index.ts';
import { quantizedEmbedding } from '../../../lib/lowering/passes/quantized-embedding.ts';
import { Tensor } from '../../../lib/tensor/index.ts';
import { GraphBuilder } from '../graph-builder.ts';
import { calls, greatestDifference, interpret, runPass } from '../run-pass.ts';

test('a table of bytes stays so', () => {
  const build = new GraphBuilder();
  const table = build.weight('table', [30, 8]);
  const original = build.finish(
    build.call('aten.embedding.default', table, build.input('indices', [2, 3], 'int64')),
  );
  expect(runPass(quantizedEmbedding, original).count).toBe(1);
  const { module, report } = lower(original, { strict: true });
  expect(calls(module)).toEqual(['octavo.embedding.default']);
  expect(report.passes).toContainEqual({ pass: 'quantized-embedding', count: 1 });
  const indices = Tensor.from('int64', [29, 0, 7, 7, 12, 1], [2, 3]);
  // The same operation on the same numbers.
  expect(greatestDifference(interpret(original, indices)[0], interpret(module, indices)[0])).toBe(0);
});
