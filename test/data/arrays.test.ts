import { mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Batch, type DatasetOptions, readDataset } from '../../lib/data/index.ts';
import { writeNpy } from '../../lib/formats/npy.ts';
import { writeNpz } from '../../lib/formats/npz.ts';
import { encodeSafetensors } from '../../lib/formats/safetensors.ts';
import type { TensorInfo } from '../../lib/graph/index.ts';
import { Tensor } from '../../lib/tensor/index.ts';
import { modelOf, symbolic, withRanges } from './models.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'octavo-arrays-'));
});
afterAll(() => rm(folder, { recursive: true }));

type Arrays = Readonly<Record<string, Tensor>>;

const encoders = {
  npz: writeNpz,
  safetensors: async (tensors: Arrays) =>
    Buffer.concat(encodeSafetensors({ tensors: new Map(Object.entries(tensors)), metadata: {} })),
  npy: async (tensors: Arrays) => writeNpy(Object.values(tensors)[0]),
};

/** Writes a file whose name says nothing about its format: its content does. */
async function fileOf(arrays: Arrays, format: keyof typeof encoders = 'npz'): Promise<string> {
  const path = join(await mkdtemp(join(folder, 'file-')), 'data');
  await writeFile(path, await encoders[format](arrays));
  return path;
}

async function batchesOf(path: string, options: DatasetOptions): Promise<Batch[]> {
  const batches: Batch[] = [];
  for await (const batch of await readDataset(path, options)) batches.push(batch);
  return batches;
}

const pixels: TensorInfo = { name: 'pixels', dtype: 'float32', shape: [symbolic('s0'), 2] };
const ids: TensorInfo = { name: 'ids', dtype: 'int64', shape: [symbolic('s0'), 3] };
const x = Tensor.from('float32', [1, 2, 3, 4, 5, 6], [3, 2]);
const tokens = Tensor.from('int32', [1, 2, 3, 4, 5, 6, 7, 8, 9], [3, 3]);
const y = Tensor.from('uint8', [7, 8, 9]);

describe('arrays', () => {
  it.each(['npz', 'safetensors'] as const)('of a %s file are inputs by name, and classes', async (format) => {
    const path = await fileOf({ ids: tokens, pixels: x, y }, format);
    const dataset = await readDataset(path, { model: modelOf(pixels, ids), batch: 2 });
    expect(dataset).toMatchObject({ path, size: 3, batch: 2, hasLabels: true, classes: undefined });
    const batches: Batch[] = [];
    for await (const batch of dataset) batches.push(batch);
    expect(batches).toEqual([
      {
        inputs: {
          pixels: Tensor.from('float32', [1, 2, 3, 4], [2, 2]),
          ids: Tensor.from('int64', [1, 2, 3, 4, 5, 6], [2, 3]),
        },
        labels: [7, 8],
      },
      {
        inputs: {
          pixels: Tensor.from('float32', [5, 6], [1, 2]),
          ids: Tensor.from('int64', [7, 8, 9], [1, 3]),
        },
        labels: [9],
      },
    ]);
  });

  it.each(['npy', 'npz', 'safetensors'] as const)(
    'alone in a %s file may have any name, for a model with one input',
    async (format) => {
      const batches = await batchesOf(await fileOf({ x }, format), { model: modelOf(pixels), batch: 2 });
      expect(batches.map(({ inputs }) => inputs.pixels.toArray())).toEqual([
        [1, 2, 3, 4],
        [5, 6],
      ]);
      expect(batches[0].labels).toBeUndefined();
    },
  );

  it('in column-major order and of float64 are read alike', async () => {
    const fortran = Buffer.from(
      "\x93NUMPY\x01\x00\x76\x00{'descr': '<f8', 'fortran_order': True, 'shape': (3, 2), }".padEnd(127) +
        '\n',
      'latin1',
    );
    const path = join(folder, 'fortran.npy');
    await writeFile(path, Buffer.concat([fortran, Buffer.from(Float64Array.of(1, 3, 5, 2, 4, 6.1).buffer)]));
    const [{ inputs }] = await batchesOf(path, { model: modelOf(pixels) });
    expect(inputs.pixels).toEqual(new Tensor('float32', Float32Array.of(1, 2, 3, 4, 5, 6.1), [3, 2]));
  });

  it('of bytes are scaled to 0..1 for a float32 input, unless another scale is given', async () => {
    const path = await fileOf({ x: Tensor.from('uint8', [0, 255, 51, 102], [2, 2]) });
    const plain = await readDataset(path, { model: modelOf(pixels) });
    expect(plain.preprocessing).toEqual({ scale: 1 / 255, mean: [0], std: [1] });
    expect((await plain.inputs().next()).value!.pixels).toEqual(
      new Tensor('float32', Float32Array.of(0, 1, 0.2, 0.4), [2, 2]),
    );
    const given = { scale: 1, mean: [51], std: [102] };
    const [{ inputs }] = await batchesOf(path, { model: modelOf(pixels), preprocessing: given });
    expect(inputs.pixels.toArray()).toEqual([-0.5, 2, 0, 0.5]);
  });

  it('come in batches as large as the model takes', async () => {
    const path = await fileOf({ x: Tensor.zeros('float32', [6, 2]) });
    const sizes = async (model: DatasetOptions['model']) =>
      (await batchesOf(path, { model })).map(({ inputs }) => inputs.pixels.shape[0]);
    expect(await sizes(modelOf(pixels))).toEqual([6]);
    expect(await sizes(modelOf({ ...pixels, shape: [3, 2] }))).toEqual([3, 3]);
    expect(await sizes(withRanges({ s0: { min: 1, max: 4 } }, pixels))).toEqual([4, 2]);
  });

  it.each([
    [
      { pixels: x, ids: tokens, z: x },
      "the model has no input 'z'; it has pixels: float32[s0, 2], ids: int64[s0, 3]",
    ],
    [{ pixels: x }, "there is nothing for input 'ids'; there are pixels"],
    [{}, "there is nothing for input 'pixels'; there are no arrays"],
    [{ pixels: x, ids: tokens, y, label: y }, "'y' and 'label' both name the classes; keep one"],
    [
      { pixels: x, ids: x },
      "'ids' is float32, but input 'ids' accepts int64, uint8, int8, uint16, int16, int32",
    ],
    [
      { pixels: tokens, ids: tokens },
      "'pixels' is int32, but input 'pixels' accepts float32, uint8, float64",
    ],
    [{ pixels: x, ids: Tensor.zeros('int64', [2, 3]) }, "'ids' has 2 examples, 'pixels' has 3"],
    [{ pixels: x, ids: Tensor.zeros('int64', [3, 4]) }, "input 'ids' must be int64[s0, 3], got [3, 4]"],
    [{ pixels: Tensor.zeros('float32', [0, 2]), ids: tokens }, "'pixels' is empty"],
    [{ pixels: x, ids: Tensor.scalar('int64', 1) }, "'ids' is a scalar; its first axis must count examples"],
    [
      { pixels: x, ids: tokens, y: x },
      "'y' must be the number of each example's class, integers [n]; it is float32[3, 2]",
    ],
    [{ pixels: x, ids: tokens, y: Tensor.from('uint8', [1]) }, "'y' has 1 examples, 'pixels' has 3"],
  ])('%# that do not suit the model are refused', async (arrays, message) => {
    const path = await fileOf(arrays);
    await expect(readDataset(path, { model: modelOf(pixels, ids) })).rejects.toThrow(message);
    await expect(readDataset(path, { model: modelOf(pixels, ids) })).rejects.toThrow(path);
  });

  it.each([
    [[pixels], { batch: 0 }, 'readDataset: batch must be a whole number above 0, got 0'],
    [
      [{ ...pixels, shape: [2, 2] }],
      {},
      "the last batch of 3 examples, 2 at a time: input 'pixels' must be float32[2, 2], got [1, 2]",
    ],
    [
      [pixels],
      { preprocessing: { resizeSize: 8 } },
      'preprocessing.resizeSize does not apply: only files of images',
    ],
    [
      [pixels],
      { preprocessing: { std: [0] } },
      'preprocessing.std must be a list of numbers other than 0, got [0]',
    ],
    [
      [pixels],
      { preprocessing: { crop: 1 } as object },
      'preprocessing: unknown option "crop"; did you mean "cropSize"?',
    ],
    [
      [pixels],
      { preprocessing: { mean: [1, 2, 3] } },
      'preprocessing.mean has 3 values, but the images have 2 channels',
    ],
    [[{ ...pixels, shape: [] }], {}, "input 'pixels' is a scalar: it has no axis for the examples"],
  ] as const)('%# are refused with impossible options', async (inputs, options, message) => {
    const path = await fileOf({ x });
    await expect(readDataset(path, { model: modelOf(...inputs), ...options })).rejects.toThrow(message);
  });

  it('of several float inputs are not preprocessed', async () => {
    const path = await fileOf({ pixels: x, more: x });
    const model = modelOf(pixels, { ...pixels, name: 'more' });
    const [{ inputs }] = await batchesOf(path, { model });
    expect(inputs).toEqual({ pixels: x, more: x });
    await expect(readDataset(path, { model, preprocessing: { mean: [1] } })).rejects.toThrow(
      'preprocessing.mean does not apply: it is for one float32 input; there are pixels',
    );
  });

  it('that are cut short are refused, before or while they are read', async () => {
    const path = await fileOf({ x }, 'npy');
    const dataset = await readDataset(path, { model: modelOf(pixels) });
    await truncate(path, 128 + 8);
    await expect(dataset.inputs().next()).rejects.toThrow(`${path} has become shorter while it was read`);
    await expect(readDataset(path, { model: modelOf(pixels) })).rejects.toThrow(
      `${path}: the file is cut short: float32 [3, 2] needs 24 bytes, but 8 follow the header`,
    );
  });
});

describe('readDataset', () => {
  it('says what it cannot read', async () => {
    const model = modelOf(pixels);
    await expect(readDataset(join(folder, 'nowhere'), { model })).rejects.toThrow(
      'nowhere could not be opened: ENOENT',
    );
    const text = join(folder, 'text.csv');
    await writeFile(text, '1,2,3\n');
    await expect(readDataset(text, { model })).rejects.toThrow(
      `${text} is not data that can be read: neither .npy, .npz, .safetensors, JSON lines, nor a folder of images`,
    );
    const promise = Promise.resolve(model) as unknown as typeof model;
    await expect(readDataset(text, { model: promise })).rejects.toThrow('got a Promise; await it first');
  });
});
