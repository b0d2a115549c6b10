import { expect, test } from 'vitest';
import type { Node } from '../../../lib/graph/index.ts';
import { lower } from '../../../lib/lowering/index.ts';
import { lookupTable } from '../../../lib/lowering/passes/lookup-table.ts';
import { compile } from '../../../lib/runtime/index.ts';
import { Tensor } from '../../../lib/tensor/index.ts';
import { GraphBuilder } from '../../support/graph-builder.ts';
import { calls, greatestDifference, interpret, runPass } from '../../support/run-pass.ts';

const everyByte = Tensor.from(
  'uint8',
  Array.from({ length: 256 }, (_, i) => i),
  [2, 4, 32],
);

const chains: Readonly<Record<string, (build: GraphBuilder, x: Node) => Node>> = {
  requantization: (_, x) => x,
  hardswish: (build, x) => build.call('aten.hardswish.default', x),
  'a chain with scalars': (build, x) =>
    build.call(
      'aten.sigmoid.default',
      build.call('aten.mul.Tensor', build.call('aten.add.Tensor', x, 0.25), 3),
    ),
};

test.each(Object.entries(chains))('%s becomes a table', (_, write) => {
  const build = new GraphBuilder();
  const x = build.dequantize(build.input('x', [2, 4, 32], 'uint8'), 0.02, 120);
  const original = build.finish(build.quantize(write(build, x), 0.015, 40));
  const { module, count } = runPass(lookupTable, original);
  expect(count).toBe(1);
  expect(calls(module)).toEqual(['octavo.lookup.default']);
  // The same operators filled the table.
  expect(greatestDifference(interpret(original, everyByte)[0], interpret(module, everyByte)[0])).toBe(0);
});

test('signed bytes index the table as they are stored', () => {
  const build = new GraphBuilder();
  const x = build.call(
    'quantized_decomposed.dequantize_per_tensor.default',
    ...[build.input('x', [256], 'int8'), 0.02, -3, -128, 127, 'int8'],
  );
  const original = build.finish(build.quantize(build.call('aten.tanh.default', x), 0.01, 128));
  const { module, count } = runPass(lookupTable, original);
  expect(count).toBe(1);
  const input = Tensor.from(
    'int8',
    Array.from({ length: 256 }, (_, i) => i - 128),
  );
  expect(greatestDifference(interpret(original, input)[0], interpret(module, input)[0])).toBe(0);
});

test.each([
  [[1, 1], 1],
  [[1, 1, 1], 0],
])('a constant of shape %j beside a matrix: tables that become of it: %i', (shape, tables) => {
  const build = new GraphBuilder();
  const x = build.dequantize(build.input('x', [2, 4], 'uint8'), 0.02, 120);
  const scaled = build.call('aten.mul.Tensor', x, build.constant('c', Tensor.from('float32', [3], shape)));
  const original = build.finish(build.quantize(scaled, 0.015, 40));
  const { module, count } = runPass(lookupTable, original);
  expect(count).toBe(tables);
  const input = Tensor.from('uint8', [0, 3, 9, 100, 120, 130, 200, 255], [2, 4]);
  const [[expected], [actual]] = [interpret(original, input), interpret(module, input)];
  expect(actual.shape).toEqual(expected.shape);
  expect(greatestDifference(expected, actual)).toBe(0);
});

test('a chain with a second tensor, or whose middle is wanted, stays', () => {
  const build = new GraphBuilder();
  const x = build.dequantize(build.input('x', [2, 4], 'uint8'), 0.02, 120);
  const sum = build.call('aten.add.Tensor', x, build.input('y', [2, 4]));
  const tanh = build.call('aten.tanh.default', x);
  const module = build.finish(build.quantize(sum, 0.01, 0), build.quantize(tanh, 0.01, 0), tanh);
  expect(runPass(lookupTable, module).count).toBe(0);
});

test('between convolutions a table takes the layout they have', () => {
  const build = new GraphBuilder();
  const quantized = (x: Node, scale: number) => build.quantizeDequantize(x, scale, 128);
  const convolution = (x: Node) => build.call('aten.conv2d.default', x, build.weight('w', [8, 8, 1, 1]));
  const first = quantized(convolution(quantized(build.input('x', [1, 8, 6, 6]), 0.01)), 0.1);
  const elu = quantized(build.call('aten.elu.default', first), 0.05);
  using model = compile(lower(build.finish(convolution(elu))).module);
  expect(model.plan({ x: [1, 8, 6, 6] }).steps.map(({ op }) => op)).toEqual([
    'quantize',
    'convolution',
    'lookup',
    'convolution',
    'copy',
  ]);
});
