import { frame, type ImageReader, imageReader } from './image-file.ts';
import { type ImageFile, listImages } from './image-folder.ts';
import { batchOf, type ImageInput, imageInput } from './image-input.ts';
import type { InputList } from './model-inputs.ts';
import type { Preprocessing } from './preprocessing.ts';
import { imageChannels } from './resample.ts';
import type { Batch, DataSource } from './source.ts';

/** Images decoded at the same time. libuv's pool has four threads; an image waits for each while one is being resized. */
const concurrency = 8;

/** How files become batches. */
interface Pipeline {
  readonly input: ImageInput;
  readonly read: ImageReader;
}

/**
 * A folder of images, for a model with one input `[n, 3, height, width]` of float32 or uint8.
 * @throws Error that names the folder, when its images do not suit the model; a batch rejects with the image that cannot be
 * read or has another size than the model needs.
 */
export async function openImageSource(
  path: string,
  inputs: InputList,
  batch: number,
  preprocessing: Preprocessing,
): Promise<DataSource> {
  const input = imageInput(inputs, preprocessing, path);
  const { info, framing, normalization } = input;
  const read = await imageReader(path);
  const { images, classes } = await listImages(path);
  const [, , ...sizes] = info.shape;
  const sides = sizes.map((size) => framing.cropSize ?? (typeof size === 'number' ? size : undefined));
  if (sides.every((side) => side !== undefined))
    inputs.checkAll(images.length, batch, path, (count) => ({
      [info.name]: [count, imageChannels, ...sides],
    }));
  const pipeline = { input, read };
  return {
    size: images.length,
    hasLabels: classes !== undefined,
    classes,
    preprocessing: normalization && { ...framing, ...normalization },
    batches: () => batches(images, batch, pipeline),
    labels: async () => labelsOf(images),
    examples: (numbers) =>
      load(
        numbers.map((number) => images[number]),
        pipeline,
      ),
  };
}

async function* batches(
  images: readonly ImageFile[],
  batch: number,
  pipeline: Pipeline,
): AsyncGenerator<Batch> {
  for (let begin = 0; begin < images.length; begin += batch)
    yield await load(images.slice(begin, begin + batch), pipeline);
}

async function load(files: readonly ImageFile[], { input, read }: Pipeline): Promise<Batch> {
  const framed = await inParallel(
    files,
    async ({ path }) => [path, frame(await read(path), input.framing, path)] as const,
  );
  return { inputs: { [input.info.name]: batchOf(framed, input) }, labels: labelsOf(files) };
}

function labelsOf(files: readonly ImageFile[]): readonly number[] | undefined {
  const labels = files.map(({ label }) => label);
  return labels.every((label) => label !== undefined) ? labels : undefined;
}

/** The results in order, some of them computed at the same time. After a failure no further one is begun. */
async function inParallel<T, R>(items: readonly T[], compute: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  // Workers share a generator: one that fails leaves its loop, which closes the generator for all.
  const queue = (function* () {
    yield* items.entries();
  })();
  const work = async () => {
    for (const [i, item] of queue) results[i] = await compute(item);
  };
  await Promise.all(Array.from({ length: concurrency }, work));
  return results;
}
