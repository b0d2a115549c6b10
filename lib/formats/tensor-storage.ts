import { byteSizeOf, type DType, isRowMajor, numelOf, Tensor } from '../tensor/index.ts';
import { gatherStrided } from '../tensor/strided.ts';

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

/** One block of bytes that tensors are views of (counterpart: `torch.UntypedStorage`). */
export class TensorStorage {
  readonly bytes: Uint8Array;
  readonly #budget: RepetitionBudget;
  readonly #views = new Map<string, Tensor>();
  #copied = 0;

  /** @param budget that of the file. */
  constructor(bytes: Uint8Array, budget: RepetitionBudget) {
    this.bytes = bytes;
    this.#budget = budget;
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
    const available = Math.floor(this.bytes.length / itemSize);
    const numel = numelOf(shape);
    const last = shape.reduce((at, extent, axis) => at + (extent - 1) * strides[axis], offset);
    if (last >= available)
      throw new Error(
        `a ${dtype} tensor [${shape.join(', ')}] reaches element ${last} of a storage of ${available}`,
      );
    if (isRowMajor(shape, strides)) {
      const begin = offset * itemSize;
      return Tensor.fromBytes(dtype, this.bytes.subarray(begin, begin + numel * itemSize), shape);
    }
    const covered = Math.max(this.#copied, available);
    this.#copied += numel;
    this.#budget.spend(Math.max(0, this.#copied - covered));
    const source = Tensor.fromBytes(dtype, this.bytes.subarray(0, available * itemSize), [available]);
    return gatherStrided(dtype, source.data, offset, shape, strides);
  }
}
