import {
  type CompiledModel,
  calibrate,
  compile,
  convertPt2e,
  enableRangeLearning,
  exportModel,
  freezeBatchNormStats,
  type GraphModule,
  getDefaultX86QuantizationConfig,
  lower,
  moveExportedModelToEval,
  moveExportedModelToTrain,
  preparePt2e,
  prepareQatPt2e,
  Tensor,
  X86Quantizer,
} from 'octavo';
import { functional as F, manualSeed } from 'octavo/nn';
import { AdamW, CosineAnnealingLR, type DataLoader, OneCycleLR, SGD, Trainer, train } from 'octavo/training';
import { characters, type Glyphs, size } from './draw.ts';
import { GlyphMobileNet } from './glyph-mobilenet.ts';
import { accuracyOf, batchSize, imagesOf } from './images.ts';

/** How a training went. */
export interface Curve {
  readonly name: string;
  /** The loss of each step. */
  readonly losses: readonly number[];
  /** The share of test images that are right after each epoch; before the first, too, where there was a model already. */
  readonly accuracies: readonly { readonly epoch: number; readonly accuracy: number }[];
}

/** What a run tells while it goes on. */
export type Report = (curve: Curve) => void | Promise<void>;

const batchShape = { x: [batchSize, 3, size, size] };
const labels = { dtype: 'int64', shape: [batchSize] } as const;

/** Trains the network from random weights, in floating point. */
export async function trainFloat(
  images: DataLoader,
  test: Glyphs,
  epochs: number,
  report: Report,
): Promise<GraphModule> {
  manualSeed(1);
  const x = Tensor.zeros('float32', [2, 3, size, size]);
  const model = exportModel(new GlyphMobileNet().train(), { x }, { dynamicBatch: true });
  const optimizer = new AdamW({ lr: 0.02, weightDecay: 0.01 });
  const schedule = new OneCycleLR(optimizer, {
    maxLr: 0.02,
    totalSteps: epochs * images.length!,
    pctStart: 0.1,
  });
  using trainer = new Trainer(model, {
    loss: ([logits], targets) => F.crossEntropy(logits, targets.labels, { labelSmoothing: 0.1 }),
    shapes: batchShape,
    targets: { labels },
    optimizer,
  });
  await follow('float32', trainer, images, report, {
    epochs,
    schedule,
    evaluate: () => accuracyIn(float32(model), test),
  });
  return moveExportedModelToEval(model);
}

/**
 * Trains on with weights of so many bits, to give what the float model gives: its logits are the targets, not the labels, of which it
 * knows more than the images of one training tell. Batch norms keep their statistics; scales are learned.
 */
export async function trainQuantized(
  float: GraphModule,
  weightBits: number,
  images: DataLoader,
  test: Glyphs,
  epochs: number,
  report: Report,
): Promise<CompiledModel> {
  const captured = moveExportedModelToTrain(float.clone());
  const config = getDefaultX86QuantizationConfig({ isQat: true, learnScales: true, weightBits });
  const prepared = prepareQatPt2e(captured, new X86Quantizer().setGlobal(config));
  enableRangeLearning(freezeBatchNormStats(prepared));
  const optimizer = new SGD({ lr: weightBits === 8 ? 0.002 : 0.01, momentum: 0.9, nesterov: true });
  const schedule = new CosineAnnealingLR(optimizer, { tMax: epochs * images.length! });
  using teacher = float32(float);
  using trainer = new Trainer(prepared, {
    loss: ([logits], { wanted }) => F.mseLoss(logits, wanted),
    shapes: batchShape,
    targets: { labels, wanted: { dtype: 'float32', shape: [batchSize, characters.length] } },
    optimizer,
  });
  await follow(`QAT, ${weightBits}-bit weights`, trainer, images, report, {
    epochs,
    schedule,
    teacher: async (inputs) => ({ wanted: Object.values(await teacher.run(inputs))[0] }),
    evaluate: () => accuracyIn(int8(prepared), test),
  });
  return int8(prepared);
}

/** Quantizes the float model without training, to compare with: its ranges come from some images. */
export async function quantizeWithoutTraining(
  float: GraphModule,
  weightBits: number,
  calibration: Glyphs,
): Promise<CompiledModel> {
  const config = getDefaultX86QuantizationConfig({ weightBits });
  const prepared = preparePt2e(float, new X86Quantizer().setGlobal(config));
  await calibrate(prepared, [{ x: imagesOf(calibration) }]);
  return compile(lower(convertPt2e(prepared)).module);
}

/** The model as it is now, to be run: in evaluation mode, whatever mode it is trained in. */
export const float32 = (model: GraphModule): CompiledModel =>
  compile(lower(moveExportedModelToEval(model.clone())).module);

const int8 = (prepared: GraphModule): CompiledModel =>
  compile(lower(convertPt2e(moveExportedModelToEval(prepared.clone()))).module);

async function accuracyIn(model: CompiledModel, test: Glyphs): Promise<number> {
  using _ = model;
  return await accuracyOf((inputs) => model.run(inputs), test);
}

/** Trains, and reports the curve after each epoch. */
async function follow(
  name: string,
  trainer: Trainer,
  images: DataLoader,
  report: Report,
  options: Parameters<typeof train<number>>[2],
): Promise<void> {
  const losses: number[] = [];
  const accuracies: { epoch: number; accuracy: number }[] = [];
  for await (const event of train(trainer, images, options)) {
    if (event.kind === 'step') losses.push(event.loss);
    else {
      accuracies.push({ epoch: event.epoch + 1, accuracy: event.evaluation! });
      await report({ name, losses, accuracies });
    }
  }
}
