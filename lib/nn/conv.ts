import type { Value } from './dispatcher.ts';
import { pair } from './functional/arguments.ts';
import { type ConvOptions, conv1d, conv2d, type Pair } from './functional/index.ts';
import { defaultBias, defaultWeight } from './init.ts';
import { Module, Parameter } from './module.ts';

/** Options of the convolution modules. */
export interface ConvModuleOptions<Size> extends ConvOptions<Size> {
  readonly bias?: boolean;
}

function checkGroups(type: string, inChannels: number, outChannels: number, groups: number): void {
  if (inChannels % groups !== 0 || outChannels % groups !== 0)
    throw new Error(
      `${type}: ${inChannels} and ${outChannels} channels cannot be divided into ${groups} groups`,
    );
}

/** Convolution over [n, channels, height, width] (counterpart: `torch.nn.Conv2d`). */
export class Conv2d extends Module {
  readonly weight: Parameter;
  readonly bias: Parameter | null;
  readonly options: ConvModuleOptions<Pair>;

  constructor(inChannels: number, outChannels: number, kernel: Pair, options: ConvModuleOptions<Pair> = {}) {
    super();
    const { groups = 1, bias = true } = options;
    checkGroups('Conv2d', inChannels, outChannels, groups);
    const shape = [outChannels, inChannels / groups, ...pair(kernel)];
    this.weight = new Parameter(defaultWeight(shape));
    this.bias = bias ? new Parameter(defaultBias(shape)) : null;
    this.options = options;
  }

  override get type(): string {
    return 'torch.nn.modules.conv.Conv2d';
  }

  forward(x: Value): Value {
    return conv2d(x, this.weight.tensor, this.bias?.tensor ?? null, this.options);
  }
}

/** Convolution over [n, channels, length] (counterpart: `torch.nn.Conv1d`). */
export class Conv1d extends Module {
  readonly weight: Parameter;
  readonly bias: Parameter | null;
  readonly options: ConvModuleOptions<number>;

  constructor(
    inChannels: number,
    outChannels: number,
    kernel: number,
    options: ConvModuleOptions<number> = {},
  ) {
    super();
    const { groups = 1, bias = true } = options;
    checkGroups('Conv1d', inChannels, outChannels, groups);
    const shape = [outChannels, inChannels / groups, kernel];
    this.weight = new Parameter(defaultWeight(shape));
    this.bias = bias ? new Parameter(defaultBias(shape)) : null;
    this.options = options;
  }

  override get type(): string {
    return 'torch.nn.modules.conv.Conv1d';
  }

  forward(x: Value): Value {
    return conv1d(x, this.weight.tensor, this.bias?.tensor ?? null, this.options);
  }
}
