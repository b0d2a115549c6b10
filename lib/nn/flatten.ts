import type { Value } from './dispatcher.ts';
import { flatten } from './functional/index.ts';
import { Module } from './module.ts';

/** Merges the dimensions from `start` to `end` into one (counterpart: `torch.nn.Flatten`). */
export class Flatten extends Module {
  readonly start: number;
  readonly end: number;

  constructor(start = 1, end = -1) {
    super();
    this.start = start;
    this.end = end;
  }

  override get type(): string {
    return 'torch.nn.modules.flatten.Flatten';
  }

  forward(x: Value): Value {
    return flatten(x, this.start, this.end);
  }
}
