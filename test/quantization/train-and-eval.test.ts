import { expect, it } from 'vitest';
import {
  allowExportedModelTrainEval,
  calibrate,
  convertPt2e,
  exportModel,
  type GraphModule,
  getDefaultX86QuantizationConfig,
  prepareQatPt2e,
  X86Quantizer,
} from '../../lib/index.ts';
import * as nn from '../../lib/nn/index.ts';
import { trainingSwitch } from '../../lib/transforms/training-mode.ts';
import { uniform } from '../support/graph-builder.ts';

const x = uniform([2, 3, 6, 6], -1, 1, 1);

const capture = () =>
  exportModel(new nn.Sequential(new nn.Conv2d(3, 4, 3), new nn.BatchNorm2d(4), new nn.Dropout(0.5)).train(), {
    x,
  });

/** What every batch norm and dropout has as its mode. */
const modesOf = ({ graph }: GraphModule) =>
  graph.nodes.flatMap((node) => {
    const at = trainingSwitch(node);
    return at === undefined ? [] : [node.args[at]];
  });

it('train() and eval() say what to use instead, until they are allowed', () => {
  const model = capture();
  expect(() => model.train()).toThrow('moveExportedModelToTrain(model), or call allowExportedModelTrainEval');
  expect(() => model.eval()).toThrow('GraphModule.eval');
  expect(() => model.train(false)).toThrow('moveExportedModelToEval(model)');
  expect(modesOf(model)).toEqual([true, true]);
});

it('train() and eval() switch batch norms and dropouts, once they are allowed', () => {
  const model = capture();
  expect(allowExportedModelTrainEval(model)).toBe(model);
  expect(model.eval()).toBe(model);
  expect(modesOf(model)).toEqual([false, false]);
  expect(modesOf(model.train())).toEqual([true, true]);
  expect(modesOf(model.train(false))).toEqual([false, false]);
});

it('what is made of the model has to be allowed anew, as in PyTorch', async () => {
  const model = allowExportedModelTrainEval(capture());
  expect(() => model.clone().eval()).toThrow('allowExportedModelTrainEval');
  const quantizer = new X86Quantizer().setGlobal(getDefaultX86QuantizationConfig({ isQat: true }));
  const prepared = prepareQatPt2e(model, quantizer);
  expect(() => prepared.eval()).toThrow('allowExportedModelTrainEval');
  allowExportedModelTrainEval(prepared).eval();
  expect(modesOf(prepared)).toEqual([false, false]);
  await calibrate(prepared, [{ x }]);
  expect(() => convertPt2e(prepared).train()).toThrow('allowExportedModelTrainEval');
});

it('refuses what is no captured model', () => {
  expect(() => allowExportedModelTrainEval(Promise.resolve() as never)).toThrow('await it first');
});
