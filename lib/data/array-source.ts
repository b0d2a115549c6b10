import type { TensorInfo } from '../graph/index.ts';
import { type DType, isFloatingPoint, Tensor } from '../tensor/index.ts';
import { openArrays, type StoredArray } from './array-file.ts';
import type { FileFormat } from './file-format.ts';
import { type InputList, matchNames } from './model-inputs.ts';
import {
  chooseNormalization,
  isIdentity,
  type Normalization,
  normalize,
  type Preprocessing,
  refusePreprocessing,
} from './preprocessing.ts';
import type { Batch, DataSource } from './source.ts';

/** Stored dtypes that an input accepts besides its own: those that all its values fit, and float64, which is rounded. */
const accepted: Readonly<Partial<Record<DType, readonly DType[]>>> = {
  float32: ['float64'],
  int64: ['uint8', 'int8', 'uint16', 'int16', 'int32'],
  int32: ['uint8', 'int8', 'uint16', 'int16'],
};

/** One input's array, and how its rows become the input. */
interface Column {
  readonly name: string;
  readonly array: StoredArray;
  readonly convert: (rows: Tensor) => Tensor;
}

/**
 * Data in a file of arrays, one for each input.
 * @throws Error that names the file, and the array whose name, dtype or shape does not suit the model.
 */
export async function openArraySource(
  path: string,
  format: Exclude<FileFormat, 'json-lines'>,
  inputs: InputList,
  batch: number,
  preprocessing: Preprocessing,
): Promise<DataSource> {
  refusePreprocessing(preprocessing, 'framing', path, 'only files of images are resized and cropped');
  const arrays = await openArrays(path, format);
  const matched = matchNames([...arrays.keys()], inputs, path);
  const size = examples(matched.inputs[0].stored, arrays, path);
  for (const name of arrays.keys())
    if (examples(name, arrays, path) !== size)
      throw new Error(
        `${path}: '${name}' has ${examples(name, arrays, path)} examples, '${matched.inputs[0].stored}' has ${size}`,
      );
  const { pixels } = inputs;
  const pixelArray = arrays.get(matched.inputs.find(({ name }) => name === pixels?.name)?.stored ?? '');
  const normalization = pixelArray && normalizationOf(pixelArray, preprocessing, path);
  if (!normalization)
    refusePreprocessing(
      preprocessing,
      'normalization',
      path,
      `it is for one float32 input; there are ${inputs}`,
    );
  const columns = matched.inputs.map((info): Column => {
    const array = arrays.get(info.stored)!;
    const own = info.name === pixels?.name ? normalization : undefined;
    return { name: info.name, array, convert: converter(info, array, own, `${path}: '${info.stored}'`) };
  });
  inputs.checkAll(size, batch, path, (count) =>
    Object.fromEntries(columns.map(({ name, array }) => [name, [count, ...array.shape.slice(1)]])),
  );
  const labels =
    matched.labels === undefined
      ? undefined
      : await readLabels(arrays.get(matched.labels)!, `${path}: '${matched.labels}'`);
  return {
    size,
    hasLabels: labels !== undefined,
    classes: undefined,
    preprocessing: normalization,
    batches: () => batches(columns, labels, size, batch),
    labels: async () => labels,
    examples: async (numbers) => ({
      inputs: await inputsOf(columns, (array) => array.pick(numbers)),
      labels: labels && numbers.map((number) => labels[number]),
    }),
  };
}

/** The columns' rows that `read` reads, as inputs. */
async function inputsOf(
  columns: readonly Column[],
  read: (array: StoredArray) => Promise<Tensor>,
): Promise<Batch['inputs']> {
  const inputs: Record<string, Tensor> = {};
  for (const { name, array, convert } of columns) inputs[name] = convert(await read(array));
  return inputs;
}

async function* batches(
  columns: readonly Column[],
  labels: readonly number[] | undefined,
  size: number,
  batch: number,
): AsyncGenerator<Batch> {
  for (let begin = 0; begin < size; begin += batch) {
    const end = Math.min(begin + batch, size);
    const inputs = await inputsOf(columns, (array) => array.rows(begin, end));
    yield { inputs, labels: labels?.slice(begin, end) };
  }
}

function examples(name: string, arrays: ReadonlyMap<string, StoredArray>, path: string): number {
  const [size] = arrays.get(name)!.shape;
  if (size === undefined)
    throw new Error(`${path}: '${name}' is a scalar; its first axis must count examples`);
  if (size === 0) throw new Error(`${path}: '${name}' is empty`);
  return size;
}

function normalizationOf({ dtype, shape }: StoredArray, given: Preprocessing, path: string): Normalization {
  try {
    return chooseNormalization(given, dtype === 'uint8' ? 1 / 255 : 1, shape[1] ?? 1);
  } catch (error) {
    throw new Error(`${path}: ${(error as Error).message}`, { cause: error });
  }
}

/** What turns stored rows into an input. */
function converter(
  { name, dtype }: TensorInfo,
  { dtype: stored }: StoredArray,
  normalization: Normalization | undefined,
  where: string,
): (rows: Tensor) => Tensor {
  const others = [...(normalization ? ['uint8' as const] : []), ...(accepted[dtype] ?? [])];
  if (stored !== dtype && !others.includes(stored))
    throw new Error(`${where} is ${stored}, but input '${name}' accepts ${[dtype, ...others].join(', ')}`);
  if (normalization && !(stored === dtype && isIdentity(normalization)))
    return (rows) => normalize(rows, normalization);
  if (stored === dtype) return (rows) => rows;
  return (rows) => Tensor.from(dtype, rows.toArray(), rows.shape);
}

async function readLabels(array: StoredArray, where: string): Promise<readonly number[]> {
  const { dtype, shape } = array;
  if (shape.length !== 1 || isFloatingPoint(dtype) || dtype === 'bool')
    throw new Error(
      `${where} must be the number of each example's class, integers [n]; it is ${dtype}[${shape.join(', ')}]`,
    );
  return (await array.rows(0, shape[0])).toArray();
}
