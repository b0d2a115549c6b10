import { byteSizeOf, type DType, isRowMajor, numelOf, Tensor } from '../tensor/index.ts';
import { gatherStrided } from '../tensor/strided.ts';
import { type Content, type FileTensors, placeWorthKeeping } from './content.ts';

/** Elements that a file's tensors may have beyond those that its storages hold. */
const REPEATED_LIMIT = 2 ** 26;

/** Bounds what a small file can grow to by views that repeat a storage, or copy it again and again. */
export class RepetitionBudget {
  #left = REPEATED_LIMIT;

  /** @throws Error when the file's tensors repeat more elements than is reasonable. */
  spend(elements: number): void {
    this.#left -= elements;
    if (!(this.#left >= 0))
      throw new Error(`tensors repeat elements of their storages more than ${REPEATED_LIMIT} times in all`);
  }
}

/** One block of bytes that tensors are views of (counterpart: `torch.UntypedStorage`). It is read when a view needs that. */
export class TensorStorage {
  /** In bytes. */
  readonly length: number;
  readonly #content: Content;
  readonly #budget: RepetitionBudget;
  readonly #inFile: FileTensors | undefined;
  readonly #views = new Map<string, Tensor>();
  #bytes: Uint8Array | undefined;
  #copied = 0;

  /**
   * @param budget that of the file.
   * @param inFile makes tensors of whole storages whose elements stay in the file.
   */
  constructor(content: Content, budget: RepetitionBudget, inFile?: FileTensors) {
    this.length = content.length;
    this.#content = content;
    this.#budget = budget;
    this.#inFile = inFile;
  }

  /**
   * A view of the storage as a row-major tensor (counterpart: `torch.as_strided`): the storage's own bytes where the view is
   * row-major, otherwise a copy. The same view is the same tensor, so that tied weights stay one.
   * @param offset the element where the view begins; strides are in elements as well.
   * @throws Error when the view reaches beyond the storage, or repeats its elements beyond reason.
   */
  view(dtype: DType, offset: number, shape: readonly number[], strides: readonly number[]): Tensor {
    const key = JSON.stringify([dtype, offset, shape, strides]);
    const known = this.#views.get(key);
    if (known) return known;
    const tensor = this.#rowMajor(dtype, offset, shape, strides);
    this.#views.set(key, tensor);
    return tensor;
  }

  #rowMajor(dtype: DType, offset: number, shape: readonly number[], strides: readonly number[]): Tensor {
    if (shape.includes(0)) return Tensor.zeros(dtype, shape);
    const itemSize = byteSizeOf(dtype);
    const available = Math.floor(this.length / itemSize);
    const numel = numelOf(shape);
    const last = shape.reduce((at, extent, axis) => at + (extent - 1) * strides[axis], offset);
    if (last >= available)
      throw new Error(
        `a ${dtype} tensor [${shape.join(', ')}] reaches element ${last} of a storage of ${available}`,
      );
    const place = numel * itemSize === this.length ? placeWorthKeeping(this.#content) : undefined;
    if (isRowMajor(shape, strides)) {
      if (place && this.#inFile && offset === 0) return this.#inFile.tensor(dtype, shape, place);
      const begin = offset * itemSize;
      return Tensor.fromBytes(dtype, this.#read().subarray(begin, begin + numel * itemSize), shape);
    }
    const covered = Math.max(this.#copied, available);
    this.#copied += numel;
    this.#budget.spend(Math.max(0, this.#copied - covered));
    const source = Tensor.fromBytes(dtype, this.#read().subarray(0, available * itemSize), [available]);
    return gatherStrided(dtype, source.data, offset, shape, strides);
  }

  #read(): Uint8Array {
    this.#bytes ??= this.#content.read();
    return this.#bytes;
  }
}
