import { Tensor } from '../tensor/index.ts';
import type { Value } from './dispatcher.ts';
import { batchNorm, layerNorm } from './functional/index.ts';
import { constant } from './init.ts';
import { Buffer, Module, Parameter } from './module.ts';

/** Options of the batch norm modules. */
export interface BatchNormOptions {
  readonly eps?: number;
  readonly momentum?: number;
}

/** The common part of batch norms of any rank. */
class BatchNorm extends Module {
  readonly weight: Parameter;
  readonly bias: Parameter;
  readonly running_mean: Buffer;
  readonly running_var: Buffer;
  readonly num_batches_tracked: Buffer;
  readonly eps: number;
  readonly momentum: number;
  private readonly ranks: readonly number[];

  constructor(channels: number, { eps = 1e-5, momentum = 0.1 }: BatchNormOptions, ranks: readonly number[]) {
    super();
    this.weight = new Parameter(constant([channels], 1));
    this.bias = new Parameter(constant([channels], 0));
    this.running_mean = new Buffer(constant([channels], 0));
    this.running_var = new Buffer(constant([channels], 1));
    this.num_batches_tracked = new Buffer(Tensor.zeros('int64', []));
    this.eps = eps;
    this.momentum = momentum;
    this.ranks = ranks;
  }

  forward(x: Value): Value {
    if (!this.ranks.includes(x.shape.length))
      throw new Error(`expected ${this.ranks.join(' or ')} dimensions, got [${x.shape.join(', ')}]`);
    return batchNorm(x, {
      weight: this.weight.tensor,
      bias: this.bias.tensor,
      runningMean: this.running_mean.tensor,
      runningVar: this.running_var.tensor,
      training: this.training,
      momentum: this.momentum,
      eps: this.eps,
    });
  }
}

/** Batch norm over [n, channels, height, width] (counterpart: `torch.nn.BatchNorm2d`). */
export class BatchNorm2d extends BatchNorm {
  constructor(channels: number, options: BatchNormOptions = {}) {
    super(channels, options, [4]);
  }

  override get type(): string {
    return 'torch.nn.modules.batchnorm.BatchNorm2d';
  }
}

/** Batch norm over [n, channels] or [n, channels, length] (counterpart: `torch.nn.BatchNorm1d`). */
export class BatchNorm1d extends BatchNorm {
  constructor(channels: number, options: BatchNormOptions = {}) {
    super(channels, options, [2, 3]);
  }

  override get type(): string {
    return 'torch.nn.modules.batchnorm.BatchNorm1d';
  }
}

/** Options of {@link LayerNorm}. */
export interface LayerNormOptions {
  readonly eps?: number;
  /** Whether it has a weight and a bias. */
  readonly elementwiseAffine?: boolean;
}

/** Normalizes over the last dimensions (counterpart: `torch.nn.LayerNorm`). */
export class LayerNorm extends Module {
  readonly normalizedShape: readonly number[];
  readonly weight: Parameter | null;
  readonly bias: Parameter | null;
  readonly eps: number;

  constructor(normalizedShape: number | readonly number[], options: LayerNormOptions = {}) {
    super();
    const { eps = 1e-5, elementwiseAffine = true } = options;
    this.normalizedShape = typeof normalizedShape === 'number' ? [normalizedShape] : normalizedShape;
    this.weight = elementwiseAffine ? new Parameter(constant(this.normalizedShape, 1)) : null;
    this.bias = elementwiseAffine ? new Parameter(constant(this.normalizedShape, 0)) : null;
    this.eps = eps;
  }

  override get type(): string {
    return 'torch.nn.modules.normalization.LayerNorm';
  }

  forward(x: Value): Value {
    const [weight, bias] = [this.weight?.tensor ?? null, this.bias?.tensor ?? null];
    return layerNorm(x, this.normalizedShape, weight, bias, this.eps);
  }
}
