/** Learning rates from step to step (counterpart: `torch.optim.lr_scheduler`). */
export { CosineAnnealingLR, type CosineAnnealingOptions } from './cosine-annealing.ts';
export { LinearLR, type LinearOptions } from './linear.ts';
export { LRScheduler, type ScheduleState } from './lr-scheduler.ts';
export { OneCycleLR, type OneCycleOptions } from './one-cycle.ts';
export { SequentialLR, type SequentialOptions } from './sequential.ts';
export { StepLR, type StepOptions } from './step.ts';
