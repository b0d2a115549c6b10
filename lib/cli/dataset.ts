import { stat } from 'node:fs/promises';
import { type Dataset, type DatasetModel, type Preprocessing, readDataset } from '../data/index.ts';
import type { TensorInfo } from '../graph/index.ts';
import { Tensor } from '../tensor/index.ts';
import { choosePreprocessing } from './options/preprocessing.ts';

/** What the commands say of `--calib` and `--data`. */
export const dataDescription =
  '.npz, .npy or .safetensors with arrays named as the inputs, JSON lines of token ids, or a folder of images';

export interface DatasetFlags extends Preprocessing {
  readonly batchSize?: number;
}

/**
 * Opens a command's data for a model.
 * @param remembered what the model's file remembers of its preprocessing.
 * @throws Error as `readDataset` does.
 */
export async function openDataset(
  path: string,
  model: DatasetModel,
  options: DatasetFlags,
  remembered?: Preprocessing,
): Promise<Dataset> {
  // A path that does not exist is reported by readDataset.
  const isFolder = (await stat(path).catch(() => undefined))?.isDirectory() ?? false;
  const preprocessing = choosePreprocessing(options, remembered, isFolder);
  const { batchSize } = options;
  return readDataset(path, {
    model,
    preprocessing,
    ...(batchSize === undefined ? {} : { batch: batchSize }),
  });
}

/** The inputs of a dataset's first example, or of as many as the model accepts at a time where that is fixed. */
export async function firstExample(
  dataset: Dataset,
  infos: readonly TensorInfo[],
): Promise<Readonly<Record<string, Tensor>>> {
  // A dataset has at least one batch.
  const { value } = await dataset.inputs().next();
  const inputs = value as Readonly<Record<string, Tensor>>;
  return Object.fromEntries(
    infos.map(({ name, shape: [size] }) => {
      const { dtype, data, shape, numel } = inputs[name];
      const row = numel / shape[0];
      return [
        name,
        typeof size === 'number'
          ? inputs[name]
          : new Tensor(dtype, data.subarray(0, row), [1, ...shape.slice(1)]),
      ];
    }),
  );
}

/** The shapes of tensors by name. */
export const shapesOf = (inputs: Readonly<Record<string, Tensor>>) =>
  Object.fromEntries(Object.entries(inputs).map(([name, { shape }]) => [name, shape]));
