import { stat } from 'node:fs/promises';
import { checkOptions, type OptionNames } from '../options.ts';
import type { Tensor } from '../tensor/index.ts';
import { openArraySource } from './array-source.ts';
import { fileFormat } from './file-format.ts';
import { openImageSource } from './image-source.ts';
import { type DatasetModel, InputList } from './model-inputs.ts';
import { type ChosenPreprocessing, checkPreprocessing, type Preprocessing } from './preprocessing.ts';
import type { Batch, DataSource } from './source.ts';
import { openTokenSource } from './token-source.ts';

/** Options of {@link readDataset}. */
export interface DatasetOptions {
  /** The model that the data is for: captured or compiled. Its inputs determine names, dtypes and shapes. */
  readonly model: DatasetModel;
  /** Examples a batch; the last may have less. Default: as many as the model accepts, at most 64. */
  readonly batch?: number;
  /** For images, in files or in arrays: what is done to their pixels. */
  readonly preprocessing?: Preprocessing;
}

const datasetOptions: OptionNames<DatasetOptions> = { model: true, batch: true, preprocessing: true };

const usualBatch = 64;

/**
 * Examples for a model, in batches. Iterating reads them from the beginning, each time anew, one batch at a time (counterpart:
 * `torch.utils.data.DataLoader` without shuffling).
 */
export class Dataset implements AsyncIterable<Batch> {
  readonly path: string;
  /** Number of examples. */
  readonly size: number;
  /** Examples in each batch but the last, which may have less. */
  readonly batch: number;
  /** Whether each example has a class. */
  readonly hasLabels: boolean;
  /** Names of the classes by their numbers, where the data has them: the folders of images. */
  readonly classes: readonly string[] | undefined;
  /** What is done to pixels, with nothing left open; undefined where the data is not for one float32 input. */
  readonly preprocessing: ChosenPreprocessing | undefined;
  readonly #source: DataSource;

  /** @internal */
  constructor(path: string, batch: number, source: DataSource) {
    this.path = path;
    this.batch = batch;
    this.size = source.size;
    this.hasLabels = source.hasLabels;
    this.classes = source.classes;
    this.preprocessing = source.preprocessing;
    this.#source = source;
  }

  /** The batches in order; `for await (const { inputs, labels } of dataset)`. */
  [Symbol.asyncIterator](): AsyncGenerator<Batch> {
    return this.#source.batches();
  }

  /**
   * The class of each example in order; undefined where the data has none. Images are not read for it.
   *
   *     const seen = new Set(await dataset.labels());
   * @throws (rejects) Error when the data can no longer be read.
   */
  labels(): Promise<readonly number[] | undefined> {
    return this.#source.labels();
  }

  /**
   * Examples by their numbers from 0, in that order, as one batch (counterpart: `torch.utils.data.Dataset.__getitems__`).
   * @throws (rejects) Error for no list of numbers, a number that no example has, or an example that cannot be read.
   */
  async examples(numbers: readonly number[]): Promise<Batch> {
    if (!Array.isArray(numbers) || numbers.length === 0)
      throw new Error(`${this.path}: examples are asked for by a list of their numbers, such as [0, 1]`);
    // A list's holes are numbers that no example has, too.
    for (const number of numbers)
      if (!Number.isSafeInteger(number) || number < 0 || number >= this.size)
        throw new Error(
          `${this.path}: there is no example ${String(number)}; they are 0 to ${this.size - 1}`,
        );
    return this.#source.examples(numbers);
  }

  /** The inputs of each batch in order, without labels: what `calibrate` and `quantizeStatic` accept. */
  async *inputs(): AsyncGenerator<Readonly<Record<string, Tensor>>> {
    for await (const { inputs } of this) yield inputs;
  }
}

/**
 * Opens data for a model and checks that it suits the model, before any of it is used:
 *
 * - `.npz` or `.safetensors`: arrays named as the model's inputs, and classes `y`, `label` or `labels` of shape `[n]`. The first
 *   axis counts the examples. For a model with one input, a single array may have any name.
 * - `.npy`: the array of a model with one input.
 * - JSON lines: `{"input_ids": [101, 102], "attention_mask": [1, 1], "label": 1}`, fields named likewise, for inputs
 *   `[n, length]`. Lists are padded with 0 to the length that the model fixes, or to that of the batch's longest.
 * - a folder of JPEG, PNG and WebP images, in the order and with the classes of `torchvision.datasets.ImageFolder`, or directly
 *   in the folder without classes. They are read with the optional package `sharp`.
 *
 * uint8, float32 and float64 arrays for the only float32 input of a model are normalized as the preprocessing says. Other
 * arrays have the input's dtype, or one whose values all fit it.
 *
 * Memory holds one batch; of `.npz` files and arrays in Fortran order, the whole file, and of JSON lines, once examples are asked for
 * by their numbers.
 *
 * @example
 * const model = await loadPt2('resnet50.pt2');
 * const photos = await readDataset('photos/', {
 *   model,
 *   preprocessing: { resizeSize: 256, cropSize: 224, mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] },
 * });
 * const quantized = await quantizeStatic(model, photos.inputs());
 * for await (const { inputs, labels } of photos) await quantized.run(inputs);
 *
 * @throws (rejects) Error that names the path, and the array, line or folder that does not suit the model, and what would. An
 * image that cannot be read, or has another size than the model needs, rejects when its batch is read.
 */
export async function readDataset(path: string, options: DatasetOptions): Promise<Dataset> {
  checkOptions(options, datasetOptions, 'readDataset');
  const { model, preprocessing = {} } = options;
  if (typeof model !== 'object' || model === null || !('rangeConstraints' in model))
    throw new Error(`readDataset: model must be a GraphModule or a CompiledModel, got ${describe(model)}`);
  checkPreprocessing(preprocessing, 'readDataset');
  const inputs = new InputList(model);
  const { batch = inputs.batchSize(usualBatch) } = options;
  if (!Number.isSafeInteger(batch) || batch < 1)
    throw new Error(`readDataset: batch must be a whole number above 0, got ${String(batch)}`);
  return new Dataset(path, batch, await openSource(path, inputs, batch, preprocessing));
}

const describe = (value: unknown) =>
  value instanceof Promise ? 'a Promise; await it first' : value === null ? 'null' : typeof value;

async function openSource(
  path: string,
  inputs: InputList,
  batch: number,
  preprocessing: Preprocessing,
): Promise<DataSource> {
  const there = await stat(path).catch((error: Error) => {
    throw new Error(`${path} could not be opened: ${error.message}`, { cause: error });
  });
  if (there.isDirectory()) return openImageSource(path, inputs, batch, preprocessing);
  const format = await fileFormat(path);
  if (format === 'json-lines') return openTokenSource(path, inputs, batch, preprocessing);
  return openArraySource(path, format, inputs, batch, preprocessing);
}
