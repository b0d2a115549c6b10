import { describe, expect, it } from 'vitest';
import { operators } from '../../lib/aten/index.ts';
import { Interpreter, isCall } from '../../lib/graph/index.ts';
import {
  compile,
  convertPt2e,
  disableObserver,
  exportModel,
  getDefaultX86QuantizationConfig,
  lower,
  moveExportedModelToEval,
  prepareQatPt2e,
  type Recipe,
  X86Quantizer,
} from '../../lib/index.ts';
import * as nn from '../../lib/nn/index.ts';
import { SGD, Trainer } from '../../lib/training/index.ts';
import { uniform } from '../support/graph-builder.ts';
import { labels, loss, targets } from '../support/training.ts';

const F = nn.functional;
const x = uniform([6, 8], -1, 1, 4);

class Normed extends nn.Module {
  readonly first: nn.Linear;
  readonly norm = new nn.BatchNorm1d(16);
  readonly second = new nn.Linear(16, 3);

  constructor(bias: boolean) {
    super();
    this.first = new nn.Linear(8, 16, { bias });
  }

  override forward(input: nn.Value): nn.Value {
    return this.second.call(F.relu(this.norm.call(this.first.call(input))));
  }
}

async function trained(bias: boolean, recipe: Recipe, steps: number) {
  nn.manualSeed(6);
  const captured = exportModel(new Normed(bias).train(), { x });
  const config = getDefaultX86QuantizationConfig({ isQat: true, recipe });
  const model = prepareQatPt2e(captured, new X86Quantizer().setGlobal(config));
  using trainer = new Trainer(model, { loss, targets, optimizer: new SGD({ lr: 0.1, momentum: 0.9 }) });
  for (let i = 0; i < steps; i++) await trainer.step({ x }, { labels });
  return moveExportedModelToEval(model);
}

describe('a batch norm after a linear layer', () => {
  it.each([true, false])('is folded into the weight that was trained (bias: %s)', async (bias) => {
    const model = disableObserver(await trained(bias, 'torchao', 30));
    const converted = convertPt2e(model);
    expect(converted.graph.nodes.some((node) => isCall(node, 'aten.batch_norm.default'))).toBe(false);
    const [simulated] = new Interpreter(model, operators).run([x]);
    using int8 = compile(lower(converted).module);
    const [actual] = Object.values(await int8.run({ x }));
    // Sums in float32 and in int32 may round to neighbouring integers; a step of the last layer's input moves a logit by less than that.
    actual.toArray().forEach((value, i) => {
      expect(Math.abs(Number(value) - Number(simulated.data[i]))).toBeLessThan(0.02);
    });
    expect(
      lower(converted).module.graph.nodes.filter(({ target }) => target.startsWith('onednn.qlinear')),
    ).toHaveLength(2);
  });

  it('stays in float under the recipe of PyTorch 2.6', async () => {
    const { graph } = convertPt2e(await trained(true, 'pytorch-2.6', 2));
    expect(graph.nodes.some((node) => isCall(node, 'aten.batch_norm.default'))).toBe(true);
  });
});
