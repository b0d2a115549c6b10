/**
 * `npm run bench:accuracy`: what training for int8 wins back of glyph_mobilenet's accuracy, with weights of 8, 4 and 3 bits: quantized after
 * training, trained with PyTorch's usual recipe, and with that of examples/train-glyphs. Some ten minutes on two cores.
 *
 *     npm run bench:accuracy -- [--images train.npz] [--bits 8,4,3]
 *
 * Training images are drawn unless a file has some: `x` uint8 [n, 3, 32, 32] and `y`.
 */
import { fileURLToPath } from 'node:url';
import { Command } from 'commander';
import { markdownTable } from 'markdown-table';
import { drawGlyphs, type Glyphs } from '../../examples/train-glyphs/draw.ts';
import {
  accuracyOf,
  loadGlyphs,
  plainBatches,
  storedGlyphs,
  trainingBatches,
} from '../../examples/train-glyphs/images.ts';
import { float32, quantizeWithoutTraining, trainQuantized } from '../../examples/train-glyphs/training.ts';
import {
  type CompiledModel,
  compile,
  convertPt2e,
  type GraphModule,
  getDefaultX86QuantizationConfig,
  loadPt2,
  lower,
  moveExportedModelToEval,
  moveExportedModelToTrain,
  prepareQatPt2e,
  type Recipe,
  X86Quantizer,
} from '../../lib/index.ts';
import { functional as F } from '../../lib/nn/index.ts';
import { CosineAnnealingLR, SGD, Trainer, train } from '../../lib/training/index.ts';

const { images, bits } = new Command('accuracy')
  .option('--images <file>', 'an .npz file with training images')
  .option('--bits <list>', 'bits of weights', '8,4,3')
  .parse()
  .opts<{ images?: string; bits: string }>();

const models = new URL('../../models/', import.meta.url);
/** PyTorch's usual recipe: labels, batch norms that move their statistics, two epochs, SGD at 0.01 with a cosine schedule. */
async function trainPlainly(
  float: GraphModule,
  weightBits: number,
  data: Glyphs,
  recipe: Recipe,
): Promise<CompiledModel> {
  const config = getDefaultX86QuantizationConfig({ isQat: true, weightBits, recipe });
  const captured = moveExportedModelToTrain(float.clone());
  const prepared = prepareQatPt2e(captured, new X86Quantizer().setGlobal(config));
  const optimizer = new SGD({ lr: 0.01, momentum: 0.9, weightDecay: 1e-4 });
  const loader = plainBatches(data, 1);
  using trainer = new Trainer(prepared, {
    loss: ([logits], { labels }) => F.crossEntropy(logits, labels),
    shapes: { x: [loader.batchSize, 3, 32, 32] },
    targets: { labels: { dtype: 'int64', shape: [loader.batchSize] } },
    optimizer,
  });
  const schedule = new CosineAnnealingLR(optimizer, { tMax: 2 * loader.length! });
  for await (const _ of train(trainer, loader, { epochs: 2, schedule }));
  return compile(lower(convertPt2e(moveExportedModelToEval(prepared))).module);
}

const [test, calibration] = [await storedGlyphs('test'), await storedGlyphs('calib')];
const data = images === undefined ? await drawGlyphs(8000, 1) : await loadGlyphs(images);
const float = await loadPt2(fileURLToPath(new URL('glyph_mobilenet.pt2', models)));
const percent = async (model: CompiledModel) => {
  using _ = model;
  return (100 * (await accuracyOf((inputs) => model.run(inputs), test))).toFixed(2);
};
console.log(`float32: ${await percent(float32(float))} %`);
const rows: string[][] = [];
for (const each of bits.split(',').map(Number)) {
  const epochs = each === 8 ? 2 : 4;
  rows.push([
    `${each} bits`,
    await percent(await quantizeWithoutTraining(float, each, calibration)),
    await percent(await trainPlainly(float, each, data, 'pytorch-2.6')),
    await percent(await trainPlainly(float, each, data, 'torchao')),
    await percent(await trainQuantized(float, each, trainingBatches(data, 1), test, epochs, () => {})),
  ]);
  console.log(rows.at(-1)!.join('  '));
}
const header = [
  'weights',
  'after training',
  'plain QAT, PyTorch 2.6',
  'plain QAT',
  'distilled, learned scales',
];
console.log(markdownTable([header, ...rows]));
