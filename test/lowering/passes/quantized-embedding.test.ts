import { expect, test } from 'vitest';
import type { Node } from '../../../lib/graph/index.ts';
import { lower } from '../../../lib/lowering/index.ts';
import { quantizedEmbedding } from '../../../lib/lowering/passes/quantized-embedding.ts';
import { compile } from '../../../lib/runtime/index.ts';
import { Tensor } from '../../../lib/tensor/index.ts';
import { GraphBuilder, random } from '../../support/graph-builder.ts';
import { calls, greatestDifference, interpret, runPass } from '../../support/run-pass.ts';

test('a table of bytes stays so', () => {
  const build = new GraphBuilder();
  const table = build.weight('table', [30, 8]);
  const original = build.finish(
    build.call('aten.embedding.default', table, build.input('indices', [2, 3], 'int64')),
  );
  expect(runPass(quantizedEmbedding, original).count).toBe(1);
  const { module, report } = lower(original, { strict: true });
  expect(calls(module)).toEqual(['octavo.embedding_byte.default']);
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
  expect(calls(module)).toEqual(['octavo.embedding_bag_byte.default']);
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

test('tables with one scale, as torchao’s scaled embedding bags have, are looked up the same way', () => {
  const [rows, width, scale] = [30, 8, 0.03];
  const next = random(5);
  const bytes = Array.from({ length: rows * width }, () => Math.floor(next() * 256) - 128);
  const write = (finish: (b: GraphBuilder, table: Node, indices: Node) => Node) => {
    const build = new GraphBuilder();
    const stored = build.constant('table', Tensor.from('int8', bytes, [rows, width]));
    const dequantize = 'quantized_decomposed.dequantize_per_tensor.default';
    const table = build.call(dequantize, stored, scale, -3, -128, 127, 'int8');
    return build.finish(finish(build, table, build.input('indices', [6], 'int64')));
  };
  const bags = write((build, table, indices) => {
    const offsets = build.input('offsets', [4], 'int64');
    const args = [table, indices, offsets, false, 0, false, null, true, null];
    return build.call('operator.getitem', build.call('aten.embedding_bag.padding_idx', ...args), 0);
  });
  const single = write((build, table, indices) => build.call('aten.embedding.default', table, indices));
  const numbers = [29, 0, 7, 7, 12, 1];
  const indices = Tensor.from('int64', numbers);
  const row = (index: number) =>
    Array.from({ length: width }, (_, i) => (bytes[index * width + i] + 3) * scale);
  const wanted = {
    single: numbers.flatMap(row),
    // Bags of two rows, of none, and of four; the last offset only ends a bag.
    bags: [numbers.slice(0, 2), [], numbers.slice(2)].flatMap((bag) =>
      Array.from({ length: width }, (_, i) => bag.reduce((sum, index) => sum + row(index)[i], 0)),
    ),
  };
  for (const [original, inputs, expected, target] of [
    [single, [indices], wanted.single, 'octavo.embedding_byte.default'],
    [bags, [indices, Tensor.from('int64', [0, 2, 2, 6])], wanted.bags, 'octavo.embedding_bag_byte.default'],
  ] as const) {
    const { module } = lower(original, { strict: true });
    expect(calls(module)).toEqual([target]);
    // Sums of at most 4 values below 4, in float32.
    interpret(module, ...inputs)[0]
      .toArray()
      .forEach((value, i) => {
        expect(Math.abs(value - expected[i])).toBeLessThan(1e-5);
      });
  }
});

test.each([
  { name: 'a scale for each row', perRow: true, width: 7 },
  { name: 'one scale', perRow: false, width: 7 },
  // Wide enough for the loop over many bytes, and a rest.
  { name: 'wide rows', perRow: true, width: 131 },
])('tables of 4 bits, signed ones too, have two integers in a byte: $name', ({ perRow, width }) => {
  const [rows, scale] = [30, 0.03];
  const next = random(6);
  const integers = Array.from({ length: rows * width }, () => Math.floor(next() * 16) - 8);
  const build = new GraphBuilder();
  const stored = build.constant('table', Tensor.from('int8', integers, [rows, width]));
  const target = `quantized_decomposed.dequantize_per_${perRow ? 'channel' : 'tensor'}.default`;
  const parameters = perRow
    ? [
        build.constant('scales', Tensor.from('float32', Array(rows).fill(scale))),
        build.constant('zeros', Tensor.from('int64', Array(rows).fill(-3))),
        0,
      ]
    : [scale, -3];
  const table = build.call(target, stored, ...parameters, -8, 7, 'int8');
  const [indices, offsets] = [build.input('indices', [5], 'int64'), build.input('offsets', [2], 'int64')];
  // Sums without row 7.
  const bag = build.call(
    'aten._embedding_bag.default',
    ...[table, indices, offsets, false, 0, false, null, false, 7],
  );
  const original = build.finish(
    build.call('aten.embedding.default', table, indices),
    build.call('operator.getitem', bag, 0),
  );
  const { module } = lower(original, { strict: true });
  expect(calls(module).sort()).toEqual([
    'octavo.embedding_4bit.default',
    'octavo.embedding_bag_4bit.default',
  ]);
  expect([...module.attributes.values()].map(({ shape }) => shape)).toContainEqual([
    rows,
    Math.ceil(width / 2) + 8,
  ]);
  const numbers = [29, 7, 0, 7, 12];
  const row = (index: number) =>
    integers.slice(index * width, (index + 1) * width).map((q) => (q + 3) * scale);
  const sums = [[29], [0, 12]].map((bag) =>
    Array.from({ length: width }, (_, i) => bag.reduce((sum, index) => sum + row(index)[i], 0)),
  );
  const [looked, added] = interpret(module, Tensor.from('int64', numbers), Tensor.from('int64', [0, 2]));
  // Values below 1 in float32.
  for (const [got, wanted] of [
    [looked, numbers.flatMap(row)],
    [added, sums.flat()],
  ] as const)
    got.toArray().forEach((value, i) => {
      expect(Math.abs(Number(value) - wanted[i])).toBeLessThan(1e-6);
    });
});

test('a value outside of its range of 4 bits keeps its byte', () => {
  const build = new GraphBuilder();
  const stored = build.constant('table', Tensor.from('uint8', [0, 15, 16, 3], [2, 2]));
  const table = build.call(
    'quantized_decomposed.dequantize_per_tensor.default',
    stored,
    1,
    0,
    0,
    15,
    'uint8',
  );
  const original = build.finish(
    build.call('aten.embedding.default', table, build.input('indices', [2], 'int64')),
  );
  const { module } = lower(original);
  expect(calls(module)).toEqual(['octavo.embedding_byte.default']);
  expect(interpret(module, Tensor.from('int64', [0, 1]))[0].toArray()).toEqual([0, 15, 16, 3]);
});
