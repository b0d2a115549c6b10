import type { Dataset } from '../../data/index.ts';
import type { GraphModule } from '../../graph/index.ts';
import { lower } from '../../lowering/index.ts';
import { functional as F } from '../../nn/index.ts';
import {
  enableRangeLearning,
  getDefaultX86QuantizationConfig,
  moveExportedModelToTrain,
  prepareQatPt2e,
  X86Quantizer,
} from '../../quantization/index.ts';
import { type CompiledModel, compile } from '../../runtime/index.ts';
import {
  AdamW,
  type BatchTensor,
  CosineAnnealingLR,
  DataLoader,
  type Loss,
  type LRScheduler,
  OneCycleLR,
  type Optimizer,
  SGD,
  StepLR,
  type Tensors,
  Trainer,
} from '../../training/index.ts';
import type { TrainSettings } from './settings.ts';

/** Of the loss, how much is learned from the float model where that is asked for, and how soft its results are made. */
const distillation = { share: 0.9, temperature: 2 };

/** AdamW's rate for scales, as a part of that for weights. */
const adamScaleRate = 0.01;

/** All that a run of `octavo train` needs. */
export interface Run {
  readonly trainer: Trainer;
  readonly loader: DataLoader;
  readonly schedule: LRScheduler;
  /** The float model, where its results are learned from. */
  readonly teacher: CompiledModel | undefined;
}

/**
 * Makes model, trainer, loader and schedule of the settings.
 * @param captured the float model; it is trained itself, unless it is prepared for int8.
 * @throws Error when the data do not fill a batch, or the model cannot be trained.
 */
export async function makeRun(
  captured: GraphModule,
  dataset: Dataset,
  settings: TrainSettings,
): Promise<Run> {
  const { batchSize, seed, distill, epochs, clipGradNorm, threads } = settings;
  const loader = new DataLoader(dataset, {
    batchSize,
    seed,
    shuffle: true,
    dropLast: true,
  });
  // Before the model is in training mode, or its weights are others.
  const teacher = distill ? compile(lower(captured).module, threadsOf(threads)) : undefined;
  try {
    const model = trainable(captured, settings);
    const optimizer = optimizerOf(model, settings);
    const { inputs } = await dataset.examples([0]);
    const trainer = new Trainer(model, {
      loss: lossOf(settings),
      targets: {
        labels: { dtype: 'int64', shape: [batchSize] },
        ...(teacher ? { teacher: await resultOf(teacher, inputs, batchSize) } : {}),
      },
      shapes: Object.fromEntries(
        Object.entries(inputs).map(([name, { shape }]) => [name, [batchSize, ...shape.slice(1)]]),
      ),
      optimizer,
      seed,
      ...(clipGradNorm === undefined ? {} : { clipGradNorm }),
      ...(threads === undefined ? {} : { threads }),
    });
    return { trainer, loader, schedule: scheduleOf(optimizer, epochs * loader.length!, settings), teacher };
  } catch (error) {
    teacher?.dispose();
    throw error;
  }
}

export const threadsOf = (threads: number | undefined) =>
  threads === undefined ? {} : { threadsPerStream: threads };

function trainable(captured: GraphModule, { qat, learnScales, weightBits }: TrainSettings): GraphModule {
  const model = moveExportedModelToTrain(captured.clone());
  if (!qat) return model;
  const config = getDefaultX86QuantizationConfig({ isQat: true, learnScales, weightBits });
  const prepared = prepareQatPt2e(model, new X86Quantizer().setGlobal(config));
  return learnScales ? enableRangeLearning(prepared) : prepared;
}

function lossOf({ labelSmoothing, distill }: TrainSettings): Loss {
  const { share, temperature } = distillation;
  return ([logits], { labels, teacher }) => {
    const own = F.crossEntropy(logits, labels, { labelSmoothing });
    if (!distill) return own;
    return F.add(F.mul(F.distillationLoss(logits, teacher, temperature), share), F.mul(own, 1 - share));
  };
}

/** The float model's first result, as a target. */
async function resultOf(teacher: CompiledModel, inputs: Tensors, batchSize: number): Promise<BatchTensor> {
  const { teacher: result } = await targetsOf(teacher, inputs);
  return { dtype: result.dtype, shape: [batchSize, ...result.shape.slice(1)] };
}

/** What the float model says to a batch, by the name that the loss knows it by. */
export async function targetsOf(teacher: CompiledModel, inputs: Tensors): Promise<Tensors> {
  const results = await teacher.run(inputs);
  return { teacher: results[teacher.outputs[0].name] };
}

/**
 * Weights decay, learned scales do not: smaller ones are no simpler model. AdamW moves everything by about the rate, whatever its size:
 * scales are smaller than weights by as much as there are steps between 0 and the largest weight.
 */
function optimizerOf(model: GraphModule, settings: TrainSettings): Optimizer {
  const { optimizer, lr, momentum, weightDecay } = settings;
  const isLearned = (path: string) => model.modules.has(path.slice(0, path.lastIndexOf('.')));
  const isScale = (path: string) => isLearned(path) && path.endsWith('.scale');
  if (optimizer === 'sgd')
    return new SGD({ lr, momentum, weightDecay, groups: [{ parameters: isLearned, weightDecay: 0 }] });
  const groups = [
    { parameters: isScale, weightDecay: 0, lr: lr * adamScaleRate },
    { parameters: isLearned, weightDecay: 0 },
  ];
  return new AdamW({ lr, weightDecay, groups });
}

function scheduleOf(optimizer: Optimizer, steps: number, { schedule, lr }: TrainSettings): LRScheduler {
  if (schedule === 'cosine') return new CosineAnnealingLR(optimizer, { tMax: steps });
  if (schedule === 'step') return new StepLR(optimizer, { stepSize: Math.ceil(steps / 3) });
  return new OneCycleLR(optimizer, { maxLr: lr, totalSteps: steps });
}
