import { correctClasses } from './correct-classes.ts';
import type { TrainingBatch } from './loading/batch.ts';
import type { StepResult } from './trainer.ts';

/** What was measured of some steps. */
export interface TrainMeasure {
  /** The mean over their examples. */
  readonly loss: number;
  /**
   * The share of examples whose largest score is at their label, from 0 to 1; undefined unless the model's first output is
   * [n, classes] and there is a target `labels` [n].
   */
  readonly accuracy: number | undefined;
  readonly examplesPerSecond: number;
}

/** Counts of one step or of several. */
interface Counts {
  readonly examples: number;
  readonly loss: number;
  readonly correct: number | undefined;
  readonly milliseconds: number;
}

/** Measures the steps of an epoch. A step's time begins where that of the one before ended, so that loading is part of it. */
export class TrainMeter {
  #clock = performance.now();
  #total: Counts | undefined;

  /** What was measured of one step. */
  add({ loss, outputs }: StepResult, { inputs, targets }: TrainingBatch): TrainMeasure {
    const [examples] = Object.values(inputs)[0].shape;
    const now = performance.now();
    const step: Counts = {
      examples,
      loss: loss * examples,
      correct: correctOf(outputs, targets),
      milliseconds: now - this.#clock,
    };
    this.#clock = now;
    this.#total = this.#total ? sum(this.#total, step) : step;
    return measureOf(step);
  }

  /** What was measured of all steps; undefined where there were none. */
  get total(): TrainMeasure | undefined {
    return this.#total && measureOf(this.#total);
  }
}

function correctOf(
  [scores]: StepResult['outputs'],
  { labels }: TrainingBatch['targets'],
): number | undefined {
  if (scores?.shape.length !== 2 || labels?.shape.length !== 1 || labels.shape[0] !== scores.shape[0])
    return undefined;
  return correctClasses(scores, labels.data);
}

const sum = (a: Counts, b: Counts): Counts => ({
  examples: a.examples + b.examples,
  loss: a.loss + b.loss,
  correct: a.correct === undefined || b.correct === undefined ? undefined : a.correct + b.correct,
  milliseconds: a.milliseconds + b.milliseconds,
});

const measureOf = ({ examples, loss, correct, milliseconds }: Counts): TrainMeasure => ({
  loss: loss / examples,
  accuracy: correct === undefined ? undefined : correct / examples,
  examplesPerSecond: (1000 * examples) / milliseconds,
});
