import type { Value } from './dispatcher.ts';
import { embedding, linear } from './functional/index.ts';
import { defaultBias, defaultWeight, normal } from './init.ts';
import { Module, Parameter } from './module.ts';

/** x [..., in] to [..., out] (counterpart: `torch.nn.Linear`). */
export class Linear extends Module {
  readonly weight: Parameter;
  readonly bias: Parameter | null;

  constructor(inFeatures: number, outFeatures: number, { bias = true }: { readonly bias?: boolean } = {}) {
    super();
    const shape = [outFeatures, inFeatures];
    this.weight = new Parameter(defaultWeight(shape));
    this.bias = bias ? new Parameter(defaultBias(shape)) : null;
  }

  override get type(): string {
    return 'torch.nn.modules.linear.Linear';
  }

  forward(x: Value): Value {
    return linear(x, this.weight.tensor, this.bias?.tensor ?? null);
  }
}

/** Rows of a table by index (counterpart: `torch.nn.Embedding`). */
export class Embedding extends Module {
  readonly weight: Parameter;

  constructor(count: number, width: number) {
    super();
    this.weight = new Parameter(normal([count, width], 0, 1));
  }

  override get type(): string {
    return 'torch.nn.modules.sparse.Embedding';
  }

  forward(indices: Value): Value {
    return embedding(indices, this.weight.tensor);
  }
}

/** Returns its input (counterpart: `torch.nn.Identity`). */
export class Identity extends Module {
  override get type(): string {
    return 'torch.nn.modules.linear.Identity';
  }

  forward(x: Value): Value {
    return x;
  }
}
