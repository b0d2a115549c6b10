import { expect, test } from 'vitest';
import { lower } from '../../../lib/lowering/index.ts';
import { quantizedEmbedding } from '../../../lib/lowering/passes/quantized-embedding.ts';
import { compile } from '../../../lib/runtime/index.ts';
import { Tensor } from '../../../lib/tensor/index.ts';
import { GraphBuilder } from '../../support/graph-builder.ts';
import { calls, greatestDifference, interpret, runPass } from '../../support/run-pass.ts';

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

test('and so do bags of its rows, in a plan too', async () => {
  const build = new GraphBuilder();
  const [indices, offsets] = [build.input('indices', [6], 'int64'), build.input('offsets', [3], 'int64')];
  const bag = build.call(
    'aten.embedding_bag.padding_idx',
    ...[build.weight('table', [30, 8]), indices, offsets, false, 0, false, null, false, null],
  );
  const original = build.finish(build.call('operator.getitem', bag, 0));
  const { module } = lower(original, { strict: true });
  expect(calls(module)).toEqual(['octavo.embedding_bag.default']);
  const inputs = [Tensor.from('int64', [29, 0, 7, 7, 12, 1]), Tensor.from('int64', [0, 2, 2])];
  const wanted = interpret(original, ...inputs)[0];
  // Sums of at most 4 values below 1, in the same order.
  expect(greatestDifference(wanted, interpret(module, ...inputs)[0])).toBeLessThan(1e-6);
  for (const compiled of [original, module]) {
    using model = compile(compiled, { threadsPerStream: 1 });
    const output = Object.values(await model.run({ indices: inputs[0], offsets: inputs[1] }))[0] as Tensor;
    expect(greatestDifference(wanted, output)).toBeLessThan(1e-6);
  }
});

test('bags whose other results are wanted stay, with the reason', () => {
  const build = new GraphBuilder();
  const [indices, offsets] = [build.input('indices', [6], 'int64'), build.input('offsets', [3], 'int64')];
  const bag = build.call(
    'aten.embedding_bag.padding_idx',
    ...[build.weight('table', [30, 8]), indices, offsets, false, 0, false, null, false, null],
  );
  const results = [0, 1].map((i) => build.call('operator.getitem', bag, i));
  const { report } = runPass(quantizedEmbedding, build.finish(...results));
  expect(report.refusals.map(({ reason }) => reason)).toEqual([
    'more than the sums or means of its bags is wanted',
  ]);
});
