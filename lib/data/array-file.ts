import { basename } from 'node:path';
import { readNpy, readNpyHeader } from '../formats/npy.ts';
import { loadNpz } from '../formats/npz.ts';
import { openFile, readAt } from '../formats/open-file.ts';
import { readSafetensorsHeader } from '../formats/safetensors-file.ts';
import { byteSizeOf, type DType, numelOf, Tensor } from '../tensor/index.ts';
import type { FileFormat } from './file-format.ts';

/** A stored array. Its first axis counts the examples. */
export interface StoredArray {
  readonly dtype: DType;
  readonly shape: readonly number[];
  /** The examples from `begin` up to, not including, `end`. */
  rows(begin: number, end: number): Promise<Tensor>;
  /** Examples by their numbers, in that order. */
  pick(numbers: readonly number[]): Promise<Tensor>;
}

type ArrayFormat = Exclude<FileFormat, 'json-lines'>;

/** NumPy's headers of plain arrays are far shorter. */
const npyHeaderLimit = 2 ** 16;

const readers: Readonly<Record<ArrayFormat, (path: string) => Promise<ReadonlyMap<string, StoredArray>>>> = {
  npy: openNpy,
  npz: openNpz,
  safetensors: openSafetensors,
};

/**
 * The arrays of a file by name; the one of a `.npy` file has the file's name. `.npy` and `.safetensors` files are read
 * row by row as they are asked for; `.npz` files and arrays in Fortran order at once.
 * @throws Error that names the file, and what is wrong with it.
 */
export function openArrays(path: string, format: ArrayFormat): Promise<ReadonlyMap<string, StoredArray>> {
  return readers[format](path);
}

async function openNpy(path: string): Promise<ReadonlyMap<string, StoredArray>> {
  const file = await openFile(path);
  try {
    const { size } = await file.stat();
    const start = await readAt(file, 0, Math.min(size, npyHeaderLimit));
    const { dtype, shape, fortranOrder, position } = readNpyHeader(start, size, path);
    const array = fortranOrder
      ? inMemory(readNpy(await readAt(file, 0, size), path))
      : inFile(path, dtype, shape, position);
    return new Map([[basename(path).replace(/\.npy$/, ''), array]]);
  } finally {
    await file.close();
  }
}

async function openNpz(path: string): Promise<ReadonlyMap<string, StoredArray>> {
  const arrays = await loadNpz(path);
  return new Map([...arrays].map(([name, tensor]) => [name, inMemory(tensor)]));
}

async function openSafetensors(path: string): Promise<ReadonlyMap<string, StoredArray>> {
  const file = await openFile(path);
  try {
    const { entries } = await readSafetensorsHeader(file, path);
    return new Map(
      entries.map(({ key, dtype, shape, position }) => [key, inFile(path, dtype, shape, position)]),
    );
  } finally {
    await file.close();
  }
}

function inMemory({ dtype, shape, data }: Tensor): StoredArray {
  const row = numelOf(shape.slice(1));
  return {
    dtype,
    shape,
    rows: async (begin, end) =>
      new Tensor(dtype, data.subarray(begin * row, end * row), [end - begin, ...shape.slice(1)]),
    pick: async (numbers) => {
      const result = Tensor.zeros(dtype, [numbers.length, ...shape.slice(1)]);
      for (const [i, number] of numbers.entries())
        result.data.set(data.subarray(number * row, (number + 1) * row) as never, i * row);
      return result;
    },
  };
}

function inFile(path: string, dtype: DType, shape: readonly number[], position: number): StoredArray {
  const row = numelOf(shape.slice(1)) * byteSizeOf(dtype);
  /** Runs of examples, each a first one and how many, with the file open once. */
  const read = async (runs: readonly (readonly [number, number])[]): Promise<Tensor> => {
    const file = await openFile(path);
    try {
      const parts: Uint8Array[] = [];
      for (const [begin, count] of runs) {
        const bytes = await readAt(file, position + begin * row, count * row);
        if (bytes.length < count * row) throw new Error(`${path} has become shorter while it was read`);
        parts.push(bytes);
      }
      const all = parts.length === 1 ? parts[0] : Buffer.concat(parts);
      const total = runs.reduce((sum, [, count]) => sum + count, 0);
      return Tensor.fromBytes(dtype, all, [total, ...shape.slice(1)]);
    } finally {
      await file.close();
    }
  };
  return {
    dtype,
    shape,
    rows: (begin, end) => read([[begin, end - begin]]),
    pick: (numbers) => read(numbers.map((number) => [number, 1])),
  };
}
