import { describe, expect, it, test } from 'vitest';
import { referenceModels } from '../../bench/models/index.ts';
import { operators } from '../../lib/aten/index.ts';
import { exportModel, loadPt2 } from '../../lib/capture/index.ts';
import { type GraphModule, type Node, SymInt } from '../../lib/graph/index.ts';
import { type LoweredNode, type LoweringReport, lower, reportOf } from '../../lib/lowering/index.ts';
import { manualSeed } from '../../lib/nn/index.ts';
import {
  calibrate,
  convertPt2e,
  getDefaultX86QuantizationConfig,
  preparePt2e,
  X86Quantizer,
} from '../../lib/quantization/index.ts';
import { GraphBuilder, uniform } from '../support/graph-builder.ts';

const fixtures = new URL('../fixtures/', import.meta.url).pathname;

async function quantized(name: string): Promise<GraphModule> {
  manualSeed(0);
  const image = uniform([1, 3, 32, 32], -2, 2, 5);
  const captured = exportModel(referenceModels[name]().eval(), { x: image });
  const quantizer = new X86Quantizer().setGlobal(getDefaultX86QuantizationConfig({ reduceRange: true }));
  const prepared = preparePt2e(captured, quantizer);
  await calibrate(prepared, [image]);
  return convertPt2e(prepared);
}

const callsOf = ({ graph }: GraphModule) => graph.nodes.filter((node) => node.op === 'call_function');

/** Every operator of the given graph has one entry with one fate, and every lowered operator has a reason to be there. */
function expectComplete(given: GraphModule): LoweringReport {
  const { module, report } = lower(given);
  const calls = callsOf(given).map(({ name, target }) => ({ node: name, target }));
  expect(report.nodes.map(({ node, target }) => ({ node, target }))).toEqual(calls);
  const lowered = new Map(module.graph.nodes.map((node) => [node.name, node]));
  const passes = report.passes.map(({ pass }) => pass);
  for (const entry of report.nodes) {
    expect(entry.outcome === 'removed', entry.node).toBe(entry.computedBy.length === 0);
    for (const pass of entry.passes) expect(passes).toContain(pass);
    if (entry.outcome === 'removed') {
      expect(passes, entry.node).toContain(entry.removedBy);
      continue;
    }
    expect(entry.computedBy, entry.node).toContain(entry.lowered);
    const node = lowered.get(entry.lowered!)!;
    expect(entry.step, entry.node).toBe(node.op === 'call_function' ? node.target : null);
    if (entry.outcome === 'view')
      expect(Object.keys(operators.get(node.target).definition).join()).toMatch(/view|strided/);
    for (const other of entry.together)
      expect(report.nodes.find(({ node: name }) => name === other)!.together).toContain(entry.node);
  }
  const explained = new Set(report.nodes.flatMap(({ computedBy }) => computedBy));
  expect(callsOf(module).filter(({ name }) => !explained.has(name))).toEqual([]);
  expect(reportOf(module)).toEqual(report);
  return report;
}

describe('the report has every operator exactly once', () => {
  it.each(['densenet121', 'efficientnet_b0', 'mobilenet_v3_small', 'resnet18', 'squeezenet1_1'])(
    'of %s, quantized',
    async (name) => {
      const given = await quantized(name);
      const { nodes } = expectComplete(given);
      // Nothing else could run a convolution on integers.
      for (const { target, step, inputDtype } of nodes.filter(
        (node) => node.target === 'aten.conv2d.default',
      ))
        expect({ target, step, inputDtype }).toEqual({
          target,
          step: expect.stringMatching(/^onednn\.qconv2d_pointwise/),
          inputDtype: 'uint8',
        });
    },
    60_000,
  );

  it.each(['models/glyph_resnet.pt2', 'models/glyph_mobilenet.pt2', 'models/tiny_cnn.pt2'])(
    'of %s, in float',
    async (path) => {
      expectComplete(await loadPt2(path));
    },
  );

  it('of a graph that PyTorch quantized', async () => {
    expectComplete(await loadPt2(`${fixtures}pt2e/tiny_cnn/converted.pt2`));
  });
});

/** The entries by name. */
function entriesOf(build: GraphBuilder, ...results: readonly Node[]) {
  const report = expectComplete(build.finish(...results));
  return new Map(report.nodes.map((entry) => [entry.node, entry]));
}

test('an operator is a step, a view, a constant, a size or removed, and the report says by what', () => {
  const build = new GraphBuilder();
  const x = build.input('x', [new SymInt(['s0']), 4]);
  const size = build.call('aten.sym_size.int', x, 0);
  const dropped = build.call('aten.dropout.default', x, 0.5, false);
  const turned = build.call('aten.permute.default', build.parameter('w', [4, 3]), [1, 0]);
  const product = build.call('aten.linear.default', dropped, turned);
  const relu = build.call('aten.relu.default', product);
  const unused = build.call('aten.neg.default', x);
  const view = build.call('aten.view.default', relu, [size, 3, 1]);
  const fates = entriesOf(build, view);
  const fate = (node: { readonly name: string }) => fates.get(node.name) as LoweredNode;
  expect(fate(size).outcome).toBe('size');
  expect(fate(dropped)).toMatchObject({ outcome: 'removed', removedBy: 'remove-identities', step: null });
  expect(fate(unused)).toMatchObject({ outcome: 'removed', removedBy: 'remove-unused' });
  expect(fate(turned)).toMatchObject({ outcome: 'constant', passes: ['fold-constants'], dtype: 'float32' });
  expect(fate(view)).toMatchObject({ outcome: 'view', step: 'aten.view.default' });
  expect(fate(relu)).toMatchObject({
    outcome: 'step',
    step: 'mkldnn._linear_pointwise.default',
    together: [product.name],
    passes: ['fuse-unary'],
    inputDtype: 'float32',
    dtype: 'float32',
  });
  expect(fate(product)).toMatchObject({
    lowered: fate(relu).lowered,
    passes: ['float-linear', 'fuse-unary'],
  });
});

test('a quantize that cannot be fused says so, and is a step of its own', () => {
  const build = new GraphBuilder();
  const x = build.quantizeDequantize(build.input('x', [1, 3, 8, 8]), 0.1, 0, 127);
  const convolution = build.call('aten.conv2d.default', x, build.weight('w', [4, 3, 3, 3]));
  const quantize = build.quantize(convolution, 0.1, 0, 127);
  const fates = entriesOf(build, quantize, convolution);
  expect(fates.get(quantize.name)).toMatchObject({
    outcome: 'step',
    step: quantize.target,
    notFused: [{ pass: 'fuse-quantize', reason: expect.stringContaining('several users') }],
  });
  expect(fates.get(convolution.name)).toMatchObject({ notFused: [], inputDtype: 'uint8', dtype: 'float32' });
});

test('a quantized weight that no integer operator takes is a refusal, which strict lowering throws', () => {
  const build = new GraphBuilder();
  const table = build.weight('w', [6, 4]);
  const product = build.call('aten.mul.Tensor', build.input('x', [6, 4]), table);
  const module = build.finish(product);
  const { nodes, refusals } = expectComplete(module);
  const reason = 'its weight is quantized, but aten.mul.Tensor computes in float';
  expect(refusals).toEqual([{ node: product.name, pass: 'fold-dequantized-constants', reason }]);
  expect(nodes.find(({ node }) => node === product.name)!.notFused).toEqual(refusals);
  expect(nodes.find(({ node }) => node === table.name)).toMatchObject({ outcome: 'constant' });
  expect(() => lower(module, { strict: true })).toThrow(reason);
});

test('an input that already holds what an operator would compute leaves nothing to do', () => {
  const build = new GraphBuilder();
  const x = build.input('x', [2, 4], 'uint8');
  const back = build.quantize(build.dequantize(x, 0.1, 3), 0.1, 3);
  const twice = build.call('aten.cat.default', [back, back], 1);
  const fates = entriesOf(build, twice);
  expect(fates.get(back.name)).toMatchObject({ outcome: 'removed', removedBy: 'cancel-requantize' });
});

test('a graph that was not lowered reports that every operator computes itself', () => {
  const build = new GraphBuilder();
  const relu = build.call('aten.relu.default', build.input('x', [2]));
  relu.meta = { val: { dtype: 'float32', shape: [2] } };
  const { nodes, passes } = reportOf(build.finish(relu));
  expect(passes).toEqual([]);
  expect(nodes).toMatchObject([{ outcome: 'step', lowered: relu.name, step: relu.target, together: [] }]);
});

test('constants that are computed from each other in many ways are looked at once', () => {
  const build = new GraphBuilder();
  let mask = build.parameter('mask', [2]);
  // 2^60 ways from the last to the first.
  for (let i = 0; i < 60; i++)
    mask = build.call('aten.add.Tensor', mask, build.call('aten.neg.default', mask));
  const { nodes } = reportOf(build.finish(build.call('aten.add.Tensor', build.input('x', [2]), mask)));
  expect(nodes.at(-1)).toMatchObject({ outcome: 'step' });
  expect(nodes.slice(0, -1).filter(({ outcome }) => outcome !== 'constant')).toEqual([]);
});
