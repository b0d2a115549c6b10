import type { Value } from './dispatcher.ts';
import { dropout, type InPlace } from './functional/index.ts';
import { Module } from './module.ts';

/** While training, zeroes elements with probability p (counterpart: `torch.nn.Dropout`). */
export class Dropout extends Module {
  readonly p: number;
  readonly inplace: boolean;

  constructor(p = 0.5, { inplace = false }: InPlace = {}) {
    super();
    if (!(p >= 0 && p <= 1)) throw new Error(`Dropout: p must be from 0 to 1, got ${p}`);
    this.p = p;
    this.inplace = inplace;
  }

  override get type(): string {
    return 'torch.nn.modules.dropout.Dropout';
  }

  forward(x: Value): Value {
    return dropout(x, this.p, this.training, this);
  }
}
