import type { Tensor } from '../tensor/index.ts';
import type { ChosenPreprocessing } from './preprocessing.ts';

/** Some examples of a dataset. */
export interface Batch {
  /** By the model's names, in its dtypes; the first axis of each counts the examples. */
  readonly inputs: Readonly<Record<string, Tensor>>;
  /** The class of each example, where the data has them. */
  readonly labels: readonly number[] | undefined;
}

/** Data that was opened and checked for a model. */
export interface DataSource {
  readonly size: number;
  readonly hasLabels: boolean;
  /** Names of the classes, where the data has them. */
  readonly classes: readonly string[] | undefined;
  readonly preprocessing: ChosenPreprocessing | undefined;
  /** The examples in order, from the first each time. */
  batches(): AsyncGenerator<Batch>;
  /** The classes of all examples in order, where the data has them. */
  labels(): Promise<readonly number[] | undefined>;
  /** Examples by their numbers, in that order. */
  examples(numbers: readonly number[]): Promise<Batch>;
}
