import { untilAborted } from '../abort.ts';
import { operators } from '../aten/index.ts';
import type { Dataset } from '../data/index.ts';
import { type GraphModule, inputsOf, outputsOf, propagateShapes } from '../graph/index.ts';
import type { CompiledModel } from '../runtime/index.ts';
import { correctClasses } from '../training/correct-classes.ts';
import { Progress } from './progress.ts';

/** How many examples of a dataset a model classifies as their label says. */
export interface Accuracy {
  readonly correct: number;
  readonly total: number;
  /** Time in `run` alone. */
  readonly seconds: number;
}

/**
 * Runs a classifier over a dataset and counts where the largest of its first output is the label.
 * @throws Error when the dataset has no labels, or one that is not a class of the model, or the first output is not
 * [n, classes]; the signal's reason when it is aborted.
 */
export async function accuracy(
  model: CompiledModel,
  dataset: Dataset,
  signal?: AbortSignal,
): Promise<Accuracy> {
  const { size, path } = dataset;
  if (!dataset.hasLabels)
    throw new Error(
      `${path}: there are no classes to compare with: an array 'y', a field 'label', or a folder for each class`,
    );
  const progress = new Progress('evaluating', size);
  let correct = 0;
  let milliseconds = 0;
  try {
    for await (const { inputs, labels = [] } of untilAborted(dataset, signal)) {
      const start = performance.now();
      const { [model.outputs[0].name]: logits } = await model.run(inputs);
      milliseconds += performance.now() - start;
      const count = labels.length;
      if (logits.shape.length !== 2 || logits.shape[0] !== count)
        throw new Error(`the model's output has shape [${logits.shape}], not [${count}, classes]`);
      const classes = logits.shape[1];
      checkClasses(labels, classes, path);
      correct += correctClasses(logits, labels);
      progress.advance(count);
    }
  } finally {
    progress.stop();
  }
  return { correct, total: size, seconds: milliseconds / 1000 };
}

/**
 * The number of classes of a captured or lowered model, before it runs.
 * @throws Error unless its first output is a score for each class.
 */
export function classesOf(module: GraphModule): number {
  const [{ name, shape }] = outputsOf(module, propagateShapes(module, inputsOf(module), operators));
  const classes = shape[1];
  if (shape.length !== 2 || typeof classes !== 'number')
    throw new Error(`the model's output '${name}' has shape [${shape.join(', ')}], not [n, classes]`);
  return classes;
}

/** @throws Error when one of the labels is not a class of the model. */
export function checkClasses(labels: readonly number[], classes: number, path: string): void {
  const unknown = labels.find((label) => label < 0 || label >= classes);
  if (unknown !== undefined)
    throw new Error(
      `${path}: there is an example of class ${unknown}; the model has classes 0 to ${classes - 1}`,
    );
}
