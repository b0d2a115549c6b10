import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { operators } from '../../lib/aten/index.ts';
import { loadPt2 } from '../../lib/capture/index.ts';
import { type GraphModule, Interpreter, modelLine } from '../../lib/graph/index.ts';
import { lower } from '../../lib/lowering/index.ts';
import { Tensor } from '../../lib/tensor/index.ts';
import { GraphBuilder } from '../support/graph-builder.ts';
import { calls, greatestDifference, interpret } from '../support/run-pass.ts';

const tinyCnn = new URL('../fixtures/pt2e/tiny_cnn/', import.meta.url);

function golden(name: string): Tensor {
  const { shape } = JSON.parse(readFileSync(new URL(`${name}.json`, tinyCnn), 'utf8'));
  return Tensor.fromBytes('float32', readFileSync(new URL(`${name}.bin`, tinyCnn)), shape);
}

const converted = () => loadPt2(new URL('converted.pt2', tinyCnn).pathname);

test("a network that PyTorch quantized runs on 8-bit integers from its input's quantize to its last layer", async () => {
  const { module, report } = lower(await converted());
  expect(calls(module)).toEqual([
    'quantized_decomposed.quantize_per_tensor.default',
    'onednn.qconv2d_pointwise.default',
    'aten.max_pool2d.default',
    'onednn.qconv2d_pointwise.default',
    'onednn.qconv2d_pointwise.binary',
    'aten.adaptive_avg_pool2d.default',
    'aten.flatten.using_ints',
    'onednn.qlinear_pointwise.default',
  ]);
  expect(report.refusals).toEqual([]);
  expect(Object.fromEntries(report.passes.map(({ pass, count }) => [pass, count]))).toMatchObject({
    'quantized-convolution': 3,
    'quantized-linear': 1,
    'fuse-addition': 1,
    'fuse-unary': 3,
    'fuse-quantize': 3,
    'integer-average-pool': 1,
  });
});

test('what lowering computes is at the line of the model that it was at before', async () => {
  const lines = ({ graph }: GraphModule, target: RegExp) =>
    graph.nodes.filter((node) => target.test(node.target)).map((node) => modelLine(node));
  const captured = await converted();
  const layers = lines(captured, /^aten\.(conv2d|linear)\./);
  expect(layers[0]).toContain('line 13, in forward: x=s.pool(F.relu(s.bn1(s.conv1(x))))');
  // Of all that a layer was fused with, the layer itself: quantize nodes are at lines of PyTorch's own.
  expect(lines(lower(captured).module, /^onednn\./)).toEqual(layers);
});

test('the report says for every operator which step computes it, in which dtype', async () => {
  const { report } = lower(await converted());
  const fates = new Map(report.nodes.map((node) => [node.node, node]));
  expect(fates.get('add')).toMatchObject({ step: 'onednn.qconv2d_pointwise.binary', dtype: 'uint8' });
  expect(fates.get('relu_2')?.computedBy).toEqual(fates.get('conv2d_2')?.computedBy);
  expect(fates.get('max_pool2d')).toMatchObject({ step: 'aten.max_pool2d.default', dtype: 'uint8' });
  expect(fates.get('linear')).toMatchObject({ step: 'onednn.qlinear_pointwise.default', dtype: 'float32' });
  for (const { computedBy, removedBy } of report.nodes)
    expect(computedBy.length > 0 || removedBy).toBeTruthy();
});

test("the lowered network gives PyTorch's own quantized output", async () => {
  const module = await converted();
  const [input, expected] = [golden('eval_in'), golden('eval_out_qdq')];
  const [output] = interpret(lower(module).module, input);
  // Both round the same real numbers to integers, but from float32 sums of different order: a few of the 32 averages
  // per image that the linear layer takes may lie one step (0.0196) aside, under weights of at most 0.25.
  expect(greatestDifference(expected, output)).toBeLessThan(0.01);
});

test('lowering leaves the given graph as it was', async () => {
  const module = await converted();
  const [before, attributes] = [calls(module), [...module.attributes.keys()]];
  lower(module);
  expect(calls(module)).toEqual(before);
  expect([...module.attributes.keys()]).toEqual(attributes);
});

test('intermediate integers are within one step of those of the graph that was lowered', async () => {
  const original = await converted();
  const { module, report } = lower(original);
  const [wanted, got] = [integers(original), integers(module)];
  let compared = 0;
  for (const { node, computedBy } of report.nodes) {
    const [expected, actual] = [wanted.get(node), got.get(computedBy.at(-1) ?? '')];
    if (!expected || !actual) continue;
    // float32 sums in another order: ties may fall to either side.
    expect(greatestDifference(expected, actual)).toBeLessThanOrEqual(1);
    compared++;
  }
  expect(compared).toBe(7);
});

function integers(module: GraphModule): Map<string, Tensor> {
  const found = new Map<string, Tensor>();
  new Interpreter(module, operators).run([golden('eval_in')], (node, value) => {
    if (value instanceof Tensor && value.dtype === 'uint8') found.set(node.name, value);
  });
  return found;
}

test('strict lowering throws what stays in float, with the reason', () => {
  const build = new GraphBuilder();
  const x = build.quantizeDequantize(build.input('x', [2, 8]), 0.1, 0);
  const module = build.finish(build.quantize(build.call('aten.log_softmax.int', x, -1), 0.1, 0));
  expect(lower(module).report.refusals).toHaveLength(1);
  expect(() => lower(module, { strict: true })).toThrow(
    /log_softmax_int .*there is no form of aten\.log_softmax/s,
  );
});

test('an input of unknown shape is refused by name', () => {
  const build = new GraphBuilder();
  const x = build.graph.placeholder('image');
  expect(() => lower(build.finish(build.call('aten.relu.default', x)))).toThrow(/input 'image'/);
});
