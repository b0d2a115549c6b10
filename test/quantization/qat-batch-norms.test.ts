import { describe, expect, it } from 'vitest';
import { operators } from '../../lib/aten/index.ts';
import { Interpreter, propagateShapes } from '../../lib/graph/index.ts';
import {
  allowExportedModelTrainEval,
  convertPt2e,
  disableFakeQuant,
  exportModel,
  exportOnnx,
  freezeBatchNormStats,
  type GraphModule,
  getDefaultX86QuantizationConfig,
  loadOnnx,
  moveExportedModelToEval,
  moveExportedModelToTrain,
  prepareQatPt2e,
  X86Quantizer,
} from '../../lib/index.ts';
import * as nn from '../../lib/nn/index.ts';
import { SGD, Trainer } from '../../lib/training/index.ts';
import { GraphBuilder, uniform } from '../support/graph-builder.ts';
import { captured, images, labels, loss, prepared, targets } from '../support/training.ts';

const prepare = (model: GraphModule) =>
  prepareQatPt2e(model, new X86Quantizer().setGlobal(getDefaultX86QuantizationConfig({ isQat: true })));

const batchNorms = ({ graph }: GraphModule) =>
  graph.nodes.filter(({ target }) => target === 'aten.batch_norm.default');

async function trainOnce(model: GraphModule): Promise<void> {
  using trainer = new Trainer(model, { loss, targets, optimizer: new SGD({ lr: 0.01 }), threads: 1 });
  await trainer.step({ x: images }, { labels });
}

describe('frozen statistics of batch norms', () => {
  const meanOf = (model: GraphModule) => model.attribute('bn.running_mean').toArray();

  it.each<[string, (model: GraphModule) => GraphModule]>([
    ['moveExportedModelToTrain', (model) => moveExportedModelToTrain(moveExportedModelToEval(model))],
    ['train()', (model) => allowExportedModelTrainEval(model).eval().train()],
    ['a clone', (model) => moveExportedModelToTrain(model.clone())],
  ])('stay so after %s', async (_, switched) => {
    const model = prepared(3);
    await trainOnce(model);
    const moving = meanOf(model);
    await trainOnce(model);
    expect(meanOf(model)).not.toEqual(moving);
    const frozen = meanOf(model);
    const again = switched(freezeBatchNormStats(model));
    await trainOnce(again);
    expect(meanOf(again)).toEqual(frozen);
    // Dropouts are in training mode again.
    expect(again.graph.nodes.find(({ target }) => target === 'aten.dropout.default')?.args[2]).toBe(true);
  });

  it('may be so before the model is prepared', async () => {
    const model = prepare(freezeBatchNormStats(captured(3)));
    const before = meanOf(model);
    await trainOnce(model);
    expect(meanOf(model)).toEqual(before);
    expect(batchNorms(convertPt2e(moveExportedModelToEval(model)))).toEqual([]);
  });
});

describe('prepareQatPt2e', () => {
  it('refuses batch norms in evaluation mode, after layers alone', () => {
    const model = moveExportedModelToEval(captured(3));
    expect(() => prepare(model)).toThrow(
      /prepareQatPt2e: node 'batch_norm' is a batch norm in evaluation mode.*moveExportedModelToTrain/,
    );
    expect(() => prepare(moveExportedModelToTrain(model))).not.toThrow();
    const x = uniform([6, 4], -1, 1, 1);
    const after = new nn.Sequential(new nn.Linear(4, 3), new nn.BatchNorm1d(3));
    expect(() => prepare(exportModel(after.eval(), { x }))).toThrow('is a batch norm in evaluation mode');
    const before = new nn.Sequential(new nn.BatchNorm1d(4), new nn.Linear(4, 3));
    expect(() => prepare(exportModel(before.eval(), { x }))).not.toThrow();
  });

  it('takes graphs that read parameters after the convolution, as those of ONNX files do', async () => {
    const original = captured(3);
    const read = await loadOnnx(exportOnnx(moveExportedModelToEval(original.clone())));
    const at = ({ graph }: GraphModule, target: string) =>
      graph.nodes.findIndex((node) => node.target === target);
    expect(at(read, 'bn.running_var')).toBeGreaterThan(at(read, 'aten.conv2d.default'));
    // Without rounding, training sees the network's own results.
    const model = disableFakeQuant(prepare(moveExportedModelToTrain(read)));
    const results = (each: GraphModule) =>
      new Interpreter(moveExportedModelToEval(each), operators).run([images])[0].toArray().map(Number);
    const wanted = results(original);
    results(model).forEach((each, i) => {
      // The weight is multiplied with its factor, and divided by it again: float32's rounding.
      expect(each).toBeCloseTo(wanted[i], 5);
    });
    await trainOnce(moveExportedModelToTrain(model));
    expect(batchNorms(convertPt2e(moveExportedModelToEval(model)))).toEqual([]);
  });

  it.each([
    { target: 'aten.conv_transpose1d.default', kernel: [3], groups: 2, inputs: 4, perGroup: 3 },
    { target: 'aten.conv_transpose2d.input', kernel: [2, 3], groups: 1, inputs: 4, perGroup: 3 },
    { target: 'aten.conv_transpose2d.input', kernel: [2, 3], groups: 3, inputs: 6, perGroup: 2 },
    { target: 'aten.conv_transpose2d.input', kernel: [2, 2], groups: 4, inputs: 4, perGroup: 1 },
  ])(
    'multiplies the weights of $target in $groups groups of $perGroup channels',
    async ({ target, kernel, groups, inputs, perGroup }) => {
      const b = new GraphBuilder();
      const shape = [2, inputs, ...kernel.map(() => 5)];
      const [weight, bias] = [
        b.parameter('w', [inputs, perGroup, ...kernel]),
        b.parameter('b', [groups * perGroup]),
      ];
      const [one, zero] = [kernel.map(() => 1), kernel.map(() => 0)];
      const y = b.call(target, b.input('x', shape), weight, bias, one, zero, zero, groups, one);
      const module = b.finish(b.batchNorm(y, groups * perGroup));
      for (const [node, val] of propagateShapes(module, [{ dtype: 'float32', shape }], operators))
        node.meta = { ...node.meta, val };
      const x = uniform(shape, -1, 1, 7);
      const results = (each: GraphModule) =>
        new Interpreter(each, operators).run([x])[0].toArray().map(Number);
      const wanted = results(module);
      const model = moveExportedModelToEval(prepare(moveExportedModelToTrain(module)));
      expect(model.graph.nodes.filter((node) => node.target === 'aten.mul.Tensor')).toHaveLength(1);
      const converted = convertPt2e(model);
      expect(batchNorms(converted)).toEqual([]);
      // The weight is multiplied with its factor, and divided by it again; then it is folded: float32's rounding.
      for (const each of [results(model), results(converted)])
        each.forEach((value, i) => {
          expect(value).toBeCloseTo(wanted[i], 5);
        });
    },
  );
});
