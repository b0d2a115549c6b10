import { describe, expect, it } from 'vitest';
import { operators } from '../../lib/aten/index.ts';
import { Interpreter } from '../../lib/graph/index.ts';
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
import { uniform } from '../support/graph-builder.ts';
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
  it('refuses batch norms in evaluation mode, after convolutions alone', () => {
    const model = moveExportedModelToEval(captured(3));
    expect(() => prepare(model)).toThrow(
      /prepareQatPt2e: node 'batch_norm' is a batch norm in evaluation mode.*moveExportedModelToTrain/,
    );
    expect(() => prepare(moveExportedModelToTrain(model))).not.toThrow();
    const linear = new nn.Sequential(new nn.Linear(4, 3), new nn.BatchNorm1d(3));
    expect(() => prepare(exportModel(linear.eval(), { x: uniform([6, 4], -1, 1, 1) }))).not.toThrow();
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
});
