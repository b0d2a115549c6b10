import { operators } from '../../aten/index.ts';
import type { Dataset } from '../../data/index.ts';
import { type GraphModule, inputsOf, outputsOf, propagateShapes } from '../../graph/index.ts';
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
import { checkClasses } from '../accuracy.ts';
import type { TrainSettings } from './settings.ts';

/** Of the loss, how much is learned from the float model where that is asked for, and how soft its results are made. */
const distillation = { share: 0.9, temperature: 2 };

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
 * @throws Error when the model has no results to compare with classes, or the data do not fill a batch.
 */
export async function makeRun(
  captured: GraphModule,
  dataset: Dataset,
  settings: TrainSettings,
): Promise<Run> {
  const { batchSize, seed, distill, epochs, clipGradNorm, threads } = settings;
  const classes = classesOf(captured);
  const loader = new DataLoader(dataset, {
    batchSize,
    seed,
    shuffle: true,
    dropLast: true,
    batchTransform: (batch) => {
      checkClasses(batch.targets.labels.toArray(), classes, dataset.path);
      return batch;
    },
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

/** @throws Error unless the model's first output is a score for each class. */
function classesOf(captured: GraphModule): number {
  const [{ name, shape }] = outputsOf(captured, propagateShapes(captured, inputsOf(captured), operators));
  const classes = shape[1];
  if (shape.length !== 2 || typeof classes !== 'number')
    throw new Error(`the model's output '${name}' has shape [${shape.join(', ')}], not [n, classes]`);
  return classes;
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

/** Weights decay, learned scales do not: smaller ones are no simpler model. */
function optimizerOf(model: GraphModule, settings: TrainSettings): Optimizer {
  const { optimizer, lr, momentum, weightDecay } = settings;
  const isScale = (path: string) => model.modules.has(path.slice(0, path.lastIndexOf('.')));
  const groups = [{ parameters: isScale, weightDecay: 0 }];
  return optimizer === 'sgd'
    ? new SGD({ lr, momentum, weightDecay, groups })
    : new AdamW({ lr, weightDecay, groups });
}

function scheduleOf(optimizer: Optimizer, steps: number, { schedule, lr }: TrainSettings): LRScheduler {
  if (schedule === 'cosine') return new CosineAnnealingLR(optimizer, { tMax: steps });
  if (schedule === 'step') return new StepLR(optimizer, { stepSize: Math.ceil(steps / 3) });
  return new OneCycleLR(optimizer, { maxLr: lr, totalSteps: steps });
}
