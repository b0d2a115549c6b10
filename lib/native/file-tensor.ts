import { arrayTypeOf, type DType, numelOf, Tensor, type TensorData } from '../tensor/index.ts';
import { addon } from './addon.ts';
import type { NativeConstant } from './addon-types.ts';

/**
 * A tensor whose elements stay in a file until `data` is used for the first time; from then on it is like any other. What
 * compiles a model before that needs no copy of them in JavaScript.
 *
 * The file may be renamed or deleted meanwhile. If it is written to, the elements are refused with an Error.
 */
export class FileTensor extends Tensor {
  #constant: NativeConstant | undefined;

  /** @param constant one in a file, which has no packed forms and never gets any. */
  constructor(dtype: DType, shape: readonly number[], constant: NativeConstant) {
    super(dtype, new (arrayTypeOf(dtype))(0), [0]);
    this.#constant = constant;
    let elements: TensorData | undefined;
    const data = (): TensorData => {
      if (elements) return elements;
      const read = new (arrayTypeOf(dtype))(numelOf(shape));
      addon.readConstant(constant, read);
      // The caller may change them.
      this.#constant = undefined;
      addon.releaseConstant(constant);
      elements = read;
      return read;
    };
    // The object's own properties, as every tensor has them.
    Object.defineProperties(this, {
      shape: { value: Object.freeze([...shape]), enumerable: true },
      data: { get: data, enumerable: true },
    });
  }

  /** A constant of the same elements that the caller may pack and release; undefined once JavaScript has the elements. */
  constant(): NativeConstant | undefined {
    return this.#constant && addon.reopenConstant(this.#constant);
  }

  /**
   * The float32 tensor with each of `factors.length` equal runs of elements, one after the other, times its factor. The
   * elements stay in the file, and are multiplied whenever they are read; undefined once JavaScript has them.
   */
  scaled(factors: Float32Array): FileTensor | undefined {
    return (
      this.#constant && new FileTensor(this.dtype, this.shape, addon.reopenConstant(this.#constant, factors))
    );
  }
}
