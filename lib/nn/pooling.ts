import type { Value } from './dispatcher.ts';
import * as F from './functional/index.ts';
import { Module } from './module.ts';

/** Options of {@link MaxPool2d}. */
export type MaxPool2dOptions = F.PoolOptions & { readonly dilation?: F.Pair };
/** Options of {@link AvgPool2d}. */
export type AvgPool2dOptions = F.PoolOptions & { readonly countIncludePad?: boolean };

/** The maximum of each window of [n, c, h, w] (counterpart: `torch.nn.MaxPool2d`). */
export class MaxPool2d extends Module {
  readonly kernel: F.Pair;
  readonly options: MaxPool2dOptions;

  constructor(kernel: F.Pair, options: MaxPool2dOptions = {}) {
    super();
    this.kernel = kernel;
    this.options = options;
  }

  override get type(): string {
    return 'torch.nn.modules.pooling.MaxPool2d';
  }

  forward(x: Value): Value {
    return F.maxPool2d(x, this.kernel, this.options);
  }
}

/** The mean of each window of [n, c, h, w] (counterpart: `torch.nn.AvgPool2d`). */
export class AvgPool2d extends Module {
  readonly kernel: F.Pair;
  readonly options: AvgPool2dOptions;

  constructor(kernel: F.Pair, options: AvgPool2dOptions = {}) {
    super();
    this.kernel = kernel;
    this.options = options;
  }

  override get type(): string {
    return 'torch.nn.modules.pooling.AvgPool2d';
  }

  forward(x: Value): Value {
    return F.avgPool2d(x, this.kernel, this.options);
  }
}

/** Means over windows chosen to produce a given size (counterpart: `torch.nn.AdaptiveAvgPool2d`). */
export class AdaptiveAvgPool2d extends Module {
  readonly outputSize: F.Pair;

  constructor(outputSize: F.Pair) {
    super();
    this.outputSize = outputSize;
  }

  override get type(): string {
    return 'torch.nn.modules.pooling.AdaptiveAvgPool2d';
  }

  forward(x: Value): Value {
    return F.adaptiveAvgPool2d(x, this.outputSize);
  }
}
