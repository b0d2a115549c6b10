import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { listImages } from '../../lib/data/image-folder.ts';
import { type Batch, type Preprocessing, readDataset } from '../../lib/data/index.ts';
import { loadNpz } from '../../lib/formats/npz.ts';
import type { TensorInfo } from '../../lib/graph/index.ts';
import { Tensor } from '../../lib/tensor/index.ts';
import { modelOf, symbolic } from './models.ts';

const fixtures = fileURLToPath(new URL('../fixtures/images/', import.meta.url));
const names = ['alpha.png', 'gray.png', 'large.webp', 'palette.png', 'tall.jpg', 'wide.png'];

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'octavo-images-'));
});
afterAll(() => rm(folder, { recursive: true }));

/** A new folder with these files, copied from the fixtures, or with the given content. */
async function folderOf(files: Readonly<Record<string, string | Buffer>>): Promise<string> {
  const root = await mkdtemp(join(folder, 'images-'));
  for (const [name, content] of Object.entries(files)) {
    const path = join(root, name);
    await mkdir(join(path, '..'), { recursive: true });
    if (typeof content === 'string') await cp(join(fixtures, content), path);
    else await writeFile(path, content);
  }
  return root;
}

const imagesInput = (size: number | undefined, dtype: TensorInfo['dtype'] = 'float32'): TensorInfo => ({
  name: 'x',
  dtype,
  shape: [symbolic('s0'), 3, size ?? symbolic('s1'), size ?? symbolic('s2')],
});

async function read(path: string, size: number | undefined, preprocessing: Preprocessing, batch?: number) {
  const model = modelOf(imagesInput(size));
  return readDataset(path, { model, preprocessing, ...(batch === undefined ? {} : { batch }) });
}

async function failure(
  path: string,
  size: number | undefined,
  preprocessing: Preprocessing,
): Promise<string> {
  try {
    for await (const _ of await read(path, size, preprocessing));
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error('it was accepted');
}

describe('images, beside torchvision', () => {
  /** Whole numbers from 0 to 255: `scale` 1 leaves the bytes as they are. */
  const bytes = { scale: 1 };

  it.each([
    ['bilinear', { resizeSize: 32, cropSize: 28 }],
    ['bicubic', { resizeSize: 40, cropSize: 33, interpolation: 'bicubic' }],
    ['large', { resizeSize: 68, cropSize: 61 }],
  ] as const)('are resized and cropped to the same bytes: %s', async (preset, framing) => {
    const expected = await loadNpz(join(fixtures, 'expected.npz'));
    const images = await folderOf(Object.fromEntries(names.map((name) => [name, name])));
    const dataset = await read(images, framing.cropSize, { ...framing, ...bytes }, 4);
    expect(dataset).toMatchObject({ size: 6, batch: 4, hasLabels: false, classes: undefined });
    let i = 0;
    for await (const { inputs, labels } of dataset) {
      expect(labels).toBeUndefined();
      const { x } = inputs;
      const size = x.numel / x.shape[0];
      for (let j = 0; j < x.shape[0]; j++, i++) {
        const theirs = expected.get(`${preset}/${names[i]}`)!;
        expect([...theirs.shape]).toEqual([...x.shape.slice(1)]);
        const ours = Uint8Array.from(x.data.subarray(j * size, (j + 1) * size) as Float32Array);
        // To the bit: the decoders are the same libraries, and resizing computes with Pillow's fixed-point weights.
        expect(Buffer.compare(ours, theirs.data as Uint8Array), names[i]).toBe(0);
      }
    }
    expect(i).toBe(6);
  });

  it('are normalized by channel', async () => {
    const white = await sharp({ create: { width: 4, height: 4, channels: 3, background: '#ff8000' } })
      .png()
      .toBuffer();
    const dataset = await read(await folderOf({ 'a.png': white }), 4, {
      mean: [0.5, 0.25, 0],
      std: [0.5, 0.1, 2],
    });
    const { value } = await dataset.inputs().next();
    const pixels = value!.x.toArray();
    // float32 keeps seven digits.
    expect(pixels[0]).toBeCloseTo(1, 6);
    expect(pixels[16]).toBeCloseTo((128 / 255 - 0.25) / 0.1, 5);
    expect(pixels[32]).toBe(0);
    expect(dataset.preprocessing).toEqual({ scale: 1 / 255, mean: [0.5, 0.25, 0], std: [0.5, 0.1, 2] });
  });

  it('are read by their numbers, too', async () => {
    const dataset = await read(
      await folderOf({ 'a/1.png': 'gray.png', 'b/2.png': 'alpha.png' }),
      28,
      { resizeSize: 32, cropSize: 28 },
      1,
    );
    const batches: Batch[] = [];
    for await (const batch of dataset) batches.push(batch);
    const [first, second] = batches;
    expect(await dataset.labels()).toEqual([0, 1]);
    const { inputs, labels } = await dataset.examples([1, 0, 1]);
    expect(labels).toEqual([1, 0, 1]);
    const expected = [second, first, second].flatMap((batch) => batch.inputs.x.toArray());
    expect(inputs.x).toEqual(Tensor.from('float32', expected, [3, 3, 28, 28]));
    await expect(dataset.examples([2])).rejects.toThrow('there is no example 2; they are 0 to 1');
  });

  it('go as bytes to a model whose input is bytes', async () => {
    const path = await folderOf({ 'a.png': 'alpha.png' });
    const dataset = await readDataset(path, { model: modelOf(imagesInput(60, 'uint8')) });
    const { value } = await dataset.inputs().next();
    expect(value!.x).toMatchObject({ dtype: 'uint8', shape: [1, 3, 60, 60] });
    await expect(
      readDataset(path, { model: modelOf(imagesInput(60, 'uint8')), preprocessing: { mean: [1] } }),
    ).rejects.toThrow("preprocessing.mean does not apply: input 'x' is uint8");
  });
});

describe('a folder of images', () => {
  it('has the classes of torchvision.datasets.ImageFolder', async () => {
    const path = await folderOf({
      // By code points capitals come first, and the astral letter last.
      'dog/2.png': 'gray.png',
      'dog/10.PNG': 'gray.png',
      'dog/b/1.png': 'gray.png',
      'dog/a.txt': Buffer.from('not an image'),
      'Cat/1.png': 'gray.png',
      '\u{1d7ce}/1.png': 'gray.png',
      '\uff5e/1.png': 'gray.png',
    });
    await symlink(join(path, 'Cat'), join(path, 'ant'));
    const dataset = await read(path, undefined, {}, 2);
    expect(dataset.classes).toEqual(['Cat', 'ant', 'dog', '\uff5e', '\u{1d7ce}']);
    const labels: number[] = [];
    for await (const batch of dataset) labels.push(...batch.labels!);
    expect(labels).toEqual([0, 1, 2, 2, 2, 3, 4]);
  });

  it('has the images of a class in the order of torchvision.datasets.ImageFolder', async () => {
    // The order in which ImageFolder of torchvision 0.21 lists these files.
    const inOrder = ['10.PNG', '2.png', 'B/0.png', 'b/1.png', 'b/2.png', 'b.x/0.png', 'b/z/9.png'];
    const path = await folderOf(Object.fromEntries(inOrder.map((name) => [`dog/${name}`, 'gray.png'])));
    const { images } = await listImages(path);
    expect(images).toEqual(inOrder.map((name) => ({ path: join(path, 'dog', name), label: 0 })));
  });

  it('is read anew each time, a batch at a time', async () => {
    const path = await folderOf({ 'a.png': 'gray.png', 'b.png': 'gray.png', 'c.png': Buffer.from('broken') });
    const dataset = await read(path, undefined, {}, 1);
    for (let time = 0; time < 2; time++) {
      const batches = dataset.inputs();
      await batches.next();
      // The third is not looked at before its turn.
      expect((await batches.next()).done).toBe(false);
      await expect(batches.next()).rejects.toThrow(join(path, 'c.png'));
    }
  });

  const broken = async () => {
    const jpeg = await readFile(join(fixtures, 'tall.jpg'));
    return { 'a/whole.jpg': 'tall.jpg', 'a/half.jpg': jpeg.subarray(0, jpeg.length / 2) };
  };

  it.each([
    ['nothing in it', {}, 28, {}, 'contains no images (.jpg, .jpeg, .png, .webp), and no folders of them'],
    [
      'an empty class',
      { 'a/1.png': 'gray.png', 'b/x.txt': Buffer.of() },
      28,
      {},
      '/b is the folder of a class',
    ],
    [
      'images beside classes',
      { 'a/1.png': 'gray.png', '2.png': 'gray.png' },
      28,
      {},
      'contains both images, such as 2.png',
    ],
    ['another format', { 'a/1.bmp': Buffer.of() }, 28, {}, '/a/1.bmp: images are read as .jpg'],
    [
      'an image cut short',
      broken,
      28,
      { resizeSize: 28, cropSize: 28 },
      '/a/half.jpg could not be read as an image: ',
    ],
    ['no image', { '1.png': Buffer.from('text') }, 28, {}, '/1.png could not be read as an image: '],
    [
      'another size',
      { '1.png': 'gray.png' },
      28,
      {},
      "/1.png: the image is 50 x 61, but input 'x' needs 28 x 28; preprocessing.resizeSize",
    ],
    [
      'sizes that differ',
      { '1.png': 'gray.png', '2.png': 'wide.png' },
      undefined,
      {},
      "/2.png: the image is 75 x 50, but input 'x' needs 50 x 61",
    ],
    [
      'a smaller image',
      { '1.png': 'gray.png' },
      56,
      { cropSize: 56 },
      '/1.png: the image is 50 x 61, smaller than cropSize 56',
    ],
    [
      'a crop of another size',
      { '1.png': Buffer.from('never read') },
      28,
      { cropSize: 32 },
      "input 'x' must be float32[s0, 3, 28, 28], got [1, 3, 32, 32]",
    ],
    [
      'a mean a channel',
      { '1.png': 'gray.png' },
      28,
      { mean: [1, 2] },
      'preprocessing.mean has 2 values, but the images have 3 channels',
    ],
    [
      'a kernel without a size',
      { '1.png': 'gray.png' },
      28,
      { interpolation: 'bicubic' },
      'preprocessing.interpolation needs resizeSize',
    ],
    [
      'an unknown kernel',
      {},
      28,
      { interpolation: 'area' as 'bicubic' },
      'preprocessing.interpolation must be bilinear or bicubic, got "area"',
    ],
    [
      'a crop above the size',
      {},
      28,
      { cropSize: 9, resizeSize: 8 },
      'preprocessing.cropSize must be at most resizeSize, 8, got 9',
    ],
    [
      'no size',
      {},
      28,
      { cropSize: 0 },
      'preprocessing.cropSize must be a whole number of pixels above 0, got 0',
    ],
  ] as const)('with %s is refused', async (_, files, size, preprocessing, message) => {
    const path = await folderOf(typeof files === 'function' ? await files() : files);
    expect(await failure(path, size, preprocessing)).toContain(message);
  });

  it('is refused where the model has other inputs', async () => {
    const path = await folderOf({ '1.png': 'gray.png' });
    const ids: TensorInfo = { name: 'ids', dtype: 'int64', shape: [symbolic('s0'), 8] };
    for (const infos of [[ids], [imagesInput(28), ids]])
      await expect(readDataset(path, { model: modelOf(...infos) })).rejects.toThrow(
        'images are for a model with one input, float32 or uint8 [n, 3, height, width]; this one has ',
      );
    const gray: TensorInfo = { name: 'x', dtype: 'float32', shape: [symbolic('s0'), 1, 28, 28] };
    await expect(readDataset(path, { model: modelOf(gray) })).rejects.toThrow(
      `${path}, the last batch of 1 examples, 64 at a time: input 'x' must be float32[s0, 1, 28, 28], got [1, 3, 28, 28]`,
    );
  });

  it('needs sharp', async () => {
    const path = await folderOf({ '1.png': 'gray.png' });
    vi.doMock('sharp', () => {
      throw new Error('Cannot find package');
    });
    try {
      await expect(read(path, undefined, {})).rejects.toThrow(
        `${path}: folders of images are read with the package sharp, which could not be loaded: npm install sharp`,
      );
    } finally {
      vi.doUnmock('sharp');
    }
  });
});
