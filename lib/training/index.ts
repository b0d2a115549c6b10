/**
 * `octavo/training`: quantization aware training and plain training of captured models (counterparts: `torch.optim`, a training
 * loop).
 * @module octavo/training
 */
export { AdamW, type AdamWOptions } from './adamw.ts';
export type { BatchTensor, Loss } from './append-loss.ts';
export type { TrainingAutocast } from './autocast.ts';
export { type CheckpointParts, loadCheckpoint, saveCheckpoint } from './checkpoint.ts';
export type { Tensors, TrainingBatch } from './loading/batch.ts';
export { DataLoader, type DataLoaderOptions, type DataLoaderState } from './loading/data-loader.ts';
export type { Random } from './loading/random.ts';
export { Optimizer, type ParameterGroup, type Update, type UpdateInputs } from './optimizer.ts';
export {
  CosineAnnealingLR,
  type CosineAnnealingOptions,
  LinearLR,
  type LinearOptions,
  LRScheduler,
  OneCycleLR,
  type OneCycleOptions,
  type ScheduleState,
  SequentialLR,
  type SequentialOptions,
  StepLR,
  type StepOptions,
} from './schedules/index.ts';
export { SGD, type SGDOptions } from './sgd.ts';
export { type TrainEpochEvent, type TrainOptions, type TrainStepEvent, train } from './train.ts';
export type { TrainMeasure } from './train-meter.ts';
export { type StepResult, Trainer, type TrainerOptions } from './trainer.ts';
/**
 * What augments images while they are loaded (counterpart: `torchvision.transforms.v2`).
 *
 *     new DataLoader(source, { batchSize: 64, transforms: { x: [transforms.randomHorizontalFlip()] } })
 */
export * as transforms from './transforms/index.ts';
