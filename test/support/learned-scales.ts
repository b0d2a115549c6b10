import { readFileSync } from 'node:fs';

/** A call of an operator of learned scales, with PyTorch's results. */
export interface OperatorGolden {
  readonly shape: readonly number[];
  /** Null: per tensor. */
  readonly axis: number | null;
  readonly range: readonly [number, number];
  readonly factor: number;
  readonly x: readonly number[];
  readonly scale: readonly number[];
  readonly zero_point: readonly number[];
  readonly grad: readonly number[];
  readonly result: readonly number[];
  /** Of the tensor, the scale, the zero point. */
  readonly gradients: readonly (readonly number[])[];
}

/** Three steps of training with learned scales. */
export interface TrainingGolden {
  readonly steps: readonly {
    readonly loss: number;
    readonly labels: readonly number[];
    /** Scale and zero point after the step, by the fake quantizer's name. */
    readonly scales: Readonly<Record<string, readonly [readonly number[], readonly number[]]>>;
  }[];
  readonly results: readonly number[];
}

/** What script/goldens/learned_scales.py has written with PyTorch 2.6. */
export const learnedScales: {
  readonly operators: readonly OperatorGolden[];
  readonly training: TrainingGolden;
} = JSON.parse(readFileSync(new URL('../fixtures/training/learned_scales.json', import.meta.url), 'utf8'));
