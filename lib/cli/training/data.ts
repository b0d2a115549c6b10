import type { Dataset } from '../../data/index.ts';
import { type GraphModule, inputsOf } from '../../graph/index.ts';
import { checkClasses, classesOf } from '../accuracy.ts';
import { openDataset } from '../dataset.ts';
import type { TrainSettings } from './settings.ts';

/** What a classifier is trained with. */
export interface TrainData {
  readonly dataset: Dataset;
  /** What its accuracy is measured with after each epoch. */
  readonly tested: Dataset | undefined;
}

/**
 * Opens the data of a run, and checks all classes before any time is spent on training.
 * @throws Error as `openDataset` does; for a model that is no classifier or takes other batches; for examples without classes, of classes
 * that the model does not have, or of other classes in the one than in the other.
 */
export async function openTrainData(captured: GraphModule, settings: TrainSettings): Promise<TrainData> {
  checkBatchSize(captured, settings);
  const classes = classesOf(captured);
  const open = async (path: string) => {
    const dataset = await openDataset(path, captured, settings);
    const labels = await dataset.labels();
    if (labels === undefined)
      throw new Error(
        `${path}: there are no classes: an array 'y', a field 'label', or a folder of images for each class`,
      );
    checkClasses(labels, classes, path);
    return dataset;
  };
  const dataset = await open(settings.data);
  const tested = settings.val === undefined ? undefined : await open(settings.val);
  if (tested) checkSameClasses(dataset, tested);
  return { dataset, tested };
}

function checkBatchSize(captured: GraphModule, { model, batchSize }: TrainSettings): void {
  for (const { name, shape } of inputsOf(captured))
    if (typeof shape[0] === 'number' && shape[0] !== batchSize)
      throw new Error(
        `${model} was captured for batches of ${shape[0]} (input '${name}'), not ${batchSize}: --batch-size ${shape[0]}, ` +
          'or export it with a first axis of any size (dynamic_shapes of torch.export, dynamic_axes of torch.onnx)',
      );
}

/** Folders number their classes in the order of their names: with one less, others have its number. */
function checkSameClasses(dataset: Dataset, tested: Dataset): void {
  const [own, theirs] = [dataset, tested].map(({ classes }) => classes);
  if (!own || !theirs) return;
  const longest = Math.max(own.length, theirs.length);
  const at = Array.from({ length: longest }, (_, i) => i).find((i) => own[i] !== theirs[i]);
  if (at === undefined) return;
  const named = (classes: readonly string[]) => classes[at] ?? 'missing';
  throw new Error(
    `${dataset.path} and ${tested.path} have other classes: class ${at} is ${named(own)} in the one, ${named(theirs)} in the other; ` +
      'each needs a folder for the same classes',
  );
}
