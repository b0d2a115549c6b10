import type { TensorInfo } from '../graph/index.ts';
import { Tensor } from '../tensor/index.ts';
import { frame, type ImageReader, imageReader } from './image-file.ts';
import { type ImageFile, listImages } from './image-folder.ts';
import type { InputList } from './model-inputs.ts';
import {
  chooseNormalization,
  type Framing,
  type Normalization,
  normalize,
  type Preprocessing,
  refusePreprocessing,
} from './preprocessing.ts';
import { imageChannels, type Pixels } from './resample.ts';
import type { Batch, DataSource } from './source.ts';

/** Images decoded at the same time. libuv's pool has four threads; an image waits for each while one is being resized. */
const concurrency = 8;

/** How images become batches. */
interface Pipeline {
  readonly input: TensorInfo;
  readonly framing: Framing;
  /** Undefined where the model's input is bytes. */
  readonly normalization: Normalization | undefined;
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
  const [input, ...more] = inputs.infos;
  const isPixels = input.dtype === 'float32' || input.dtype === 'uint8';
  if (more.length > 0 || !isPixels || input.shape.length !== 4)
    throw new Error(
      `${path}: images are for a model with one input, float32 or uint8 [n, ${imageChannels}, height, width]; this one has ${inputs}`,
    );
  const { resizeSize, cropSize, interpolation, ...normalizing } = preprocessing;
  const framing = {
    ...(resizeSize === undefined ? {} : { resizeSize, interpolation: interpolation ?? 'bilinear' }),
    ...(cropSize === undefined ? {} : { cropSize }),
  };
  if (interpolation !== undefined && resizeSize === undefined)
    throw new Error(`${path}: preprocessing.interpolation needs resizeSize`);
  if (input.dtype === 'uint8')
    refusePreprocessing(preprocessing, 'normalization', path, `input '${input.name}' is uint8`);
  const read = await imageReader(path);
  const { images, classes } = await listImages(path);
  const [, , ...sizes] = input.shape;
  const sides = sizes.map((size) => cropSize ?? (typeof size === 'number' ? size : undefined));
  if (sides.every((side) => side !== undefined))
    inputs.checkAll(images.length, batch, path, (count) => ({
      [input.name]: [count, imageChannels, ...sides],
    }));
  const normalization =
    input.dtype === 'float32' ? chooseNormalization(normalizing, 1 / 255, imageChannels) : undefined;
  const pipeline = { input, framing, normalization, read };
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

async function load(
  files: readonly ImageFile[],
  { input, framing, normalization, read }: Pipeline,
): Promise<Batch> {
  const framed = await inParallel(files, async ({ path }) => frame(await read(path), framing, path));
  const pixels = stack(framed, files, input);
  return {
    inputs: { [input.name]: normalization ? normalize(pixels, normalization) : pixels },
    labels: labelsOf(files),
  };
}

function labelsOf(files: readonly ImageFile[]): readonly number[] | undefined {
  const labels = files.map(({ label }) => label);
  return labels.every((label) => label !== undefined) ? labels : undefined;
}

/** Images of one size, with their channels apart. */
function stack(images: readonly Pixels[], files: readonly ImageFile[], { name, shape }: TensorInfo): Tensor {
  const [height, width] = [shape[2], shape[3]].map((size, axis) =>
    typeof size === 'number' ? size : axis === 0 ? images[0].height : images[0].width,
  );
  const plane = width * height;
  const result = new Uint8Array(images.length * imageChannels * plane);
  for (const [i, image] of images.entries()) {
    if (image.width !== width || image.height !== height)
      throw new Error(
        `${files[i].path}: the image is ${image.width} x ${image.height}, but input '${name}' needs ${width} x ${height}; ` +
          'preprocessing.resizeSize and cropSize bring images to one size',
      );
    for (let channel = 0; channel < imageChannels; channel++) {
      const start = (i * imageChannels + channel) * plane;
      for (let at = 0; at < plane; at++) result[start + at] = image.data[at * imageChannels + channel];
    }
  }
  return new Tensor('uint8', result, [images.length, imageChannels, height, width]);
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
