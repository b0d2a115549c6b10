import { loadNpz } from '../formats/npz.ts';
import { numelOf, Tensor } from '../tensor/index.ts';
import { type Preprocessing, preprocess } from './preprocessing.ts';

/** Images and, where they are known, their classes. */
export class Dataset {
  /** Where it was read from, for messages. */
  readonly path: string;
  /** [n, channels, height, width] for images: the first axis counts the examples. */
  readonly images: Tensor;
  readonly labels: readonly number[] | undefined;

  /** @throws Error when `arrays` has no `x` of uint8 or float32, or a `y` of another length. */
  constructor(arrays: ReadonlyMap<string, Tensor>, path: string) {
    this.path = path;
    const x = arrays.get('x');
    if (!x)
      throw new Error(`${path}: there is no array 'x'; it has ${[...arrays.keys()].join(', ') || 'none'}`);
    if (x.dtype !== 'uint8' && x.dtype !== 'float32')
      throw new Error(`${path}: 'x' must be uint8 or float32, it is ${x.dtype}`);
    if (x.shape.length === 0 || x.numel === 0) throw new Error(`${path}: 'x' is empty`);
    const y = arrays.get('y');
    if (y && (y.shape.length !== 1 || y.shape[0] !== x.shape[0]))
      throw new Error(`${path}: 'y' must have shape [${x.shape[0]}] as 'x' has, it has [${y.shape}]`);
    this.images = x;
    this.labels = y?.toArray();
  }

  get size(): number {
    return this.images.shape[0];
  }

  /** The images in order, preprocessed, up to `batchSize` at a time. */
  *batches(batchSize: number, preprocessing: Preprocessing): Generator<Tensor> {
    const [count, ...shape] = this.images.shape;
    const stride = numelOf(shape);
    for (let start = 0; start < count; start += batchSize) {
      const end = Math.min(start + batchSize, count);
      const data = this.images.data.subarray(start * stride, end * stride);
      yield preprocess(new Tensor(this.images.dtype, data, [end - start, ...shape]), preprocessing);
    }
  }
}

/**
 * Reads a dataset from an `.npz` file.
 * @throws Error that names the file and what is missing in it.
 */
export async function loadDataset(path: string): Promise<Dataset> {
  return new Dataset(await loadNpz(path), path);
}
