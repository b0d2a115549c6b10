import { firstRows } from '../../aten/index.ts';
import type { Stage, Stages } from '../../plan/index.ts';
import type { Tensor } from '../../tensor/index.ts';

/** The tensors of one request: the model's inputs, and what its stages have returned so far. */
export class StagedValues {
  readonly #stages: Stages;
  readonly #values: Tensor[];
  /** Those that have the memory of more rows than they have. */
  readonly #counted = new Set<Tensor>();

  constructor(stages: Stages, inputs: readonly Tensor[]) {
    this.#stages = stages;
    this.#values = [...inputs];
  }

  inputsOf(stage: Stage): Tensor[] {
    return stage.inputs.map((number) => this.#values[number]);
  }

  /** @param outputs what the stage's plan has returned. */
  add({ counted }: Stage, outputs: readonly Tensor[]): void {
    let next = 0;
    for (const isCounted of counted) {
      const output = outputs[next++];
      const value = isCounted ? firstRows(output, outputs[next++]) : output;
      if (isCounted) this.#counted.add(value);
      this.#values.push(value);
    }
  }

  /** The model's outputs, in order, each in memory of its own, and of its own size. */
  results(): Tensor[] {
    const given = new Set<Tensor>();
    return this.#stages.outputs.map((number) => {
      const value = this.#values[number];
      const isShared = this.#counted.has(value) || given.has(value);
      given.add(value);
      return isShared ? value.clone() : value;
    });
  }
}
