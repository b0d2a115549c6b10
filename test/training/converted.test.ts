import { describe, expect, it } from 'vitest';
import { operators } from '../../lib/aten/index.ts';
import { Interpreter } from '../../lib/graph/index.ts';
import {
  compile,
  convertPt2e,
  FusedMovingAvgObsFakeQuantize,
  type GraphModule,
  getDefaultX86QuantizationConfig,
  loadNpz,
  loadPt2,
  lower,
  moveExportedModelToEval,
  moveExportedModelToTrain,
  prepareQatPt2e,
  QuantizationSpec,
  Tensor,
  X86Quantizer,
} from '../../lib/index.ts';
import * as nn from '../../lib/nn/index.ts';
import { SGD, Trainer } from '../../lib/training/index.ts';

const F = nn.functional;
const models = new URL('../../models/', import.meta.url).pathname;

/** Images of glyphs in whole batches, and what they show. */
async function glyphs(name: string, batch: number) {
  const data = await loadNpz(`${models}glyphs/${name}.npz`);
  const pixels = Float32Array.from(data.get('x')!.data as Uint8Array, (u8) => (u8 / 255 - 0.5) / 0.25);
  const classes = data.get('y')!.toArray().map(Number);
  const size = 3 * 32 * 32;
  return Array.from({ length: Math.floor(classes.length / batch) }, (_, i) => ({
    x: new Tensor('float32', pixels.slice(batch * i * size, batch * (i + 1) * size), [batch, 3, 32, 32]),
    labels: Tensor.from('int64', classes.slice(batch * i, batch * (i + 1))),
  }));
}

async function trained(bits: number): Promise<GraphModule> {
  const config = getDefaultX86QuantizationConfig({ isQat: true });
  const { dtype, observerOrFakeQuantCtr } = config.weight as QuantizationSpec;
  const weight = new QuantizationSpec({
    dtype,
    observerOrFakeQuantCtr,
    qscheme: 'per_channel_symmetric',
    chAxis: 0,
    quantMin: -(2 ** (bits - 1)),
    quantMax: 2 ** (bits - 1) - 1,
  });
  const captured = moveExportedModelToTrain(await loadPt2(`${models}glyph_mobilenet.pt2`));
  const model = prepareQatPt2e(captured, new X86Quantizer().setGlobal({ ...config, weight }));
  using trainer = new Trainer(model, {
    loss: ([logits], { labels }) => F.crossEntropy(logits, labels),
    shapes: { x: [64, 3, 32, 32] },
    targets: { labels: { dtype: 'int64', shape: [64] } },
    optimizer: new SGD({ lr: 0.002, momentum: 0.9 }),
  });
  const data = await glyphs('calib', 64);
  for (let epoch = 0; epoch < 3; epoch++)
    for (const { x, labels } of data) await trainer.step({ x }, { labels });
  return moveExportedModelToEval(model);
}

describe('glyph_mobilenet, trained for int8', () => {
  it.each([8, 4])('gives the classes that training saw, with weights of %i bits', async (bits) => {
    const model = await trained(bits);
    for (const fake of model.modules.values())
      if (fake instanceof FusedMovingAvgObsFakeQuantize) fake.observerEnabled = false;
    const simulated = new Interpreter(model, operators);
    using int8 = compile(lower(convertPt2e(model)).module);
    let [same, total] = [0, 0];
    for (const { x } of await glyphs('test', 100)) {
      const [wanted] = simulated.run([x]);
      const [actual] = Object.values(await int8.run({ x }));
      for (let row = 0; row < 100; row++, total++) if (classOf(actual, row) === classOf(wanted, row)) same++;
    }
    // The rest are sums that float32 and int32 round to different integers.
    expect(same / total).toBeGreaterThanOrEqual(0.998);
  });
});

function classOf({ data }: Tensor, row: number): number {
  const scores = [...(data as Float32Array).subarray(36 * row, 36 * (row + 1))];
  return scores.indexOf(Math.max(...scores));
}
