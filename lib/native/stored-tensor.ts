import { arrayTypeOf, type DType, numelOf, Tensor, type TensorData } from '../tensor/index.ts';
import { addon } from './addon.ts';
import type { NativeConstant } from './addon-types.ts';
import { FileTensor } from './file-tensor.ts';

/**
 * A tensor whose elements are stored natively, or in a file that native code reads. `data` returns a copy, which lives
 * as long as it is used: weights that only native code needs occupy no memory in JavaScript.
 */
export class StoredTensor extends Tensor {
  readonly constant: NativeConstant;

  constructor(dtype: DType, shape: readonly number[], constant: NativeConstant) {
    super(dtype, new (arrayTypeOf(dtype))(0), [0]);
    this.constant = constant;
    let copy: WeakRef<TensorData> | undefined;
    const data = (): TensorData => {
      const known = copy?.deref();
      if (known) return known;
      const read = new (arrayTypeOf(dtype))(numelOf(shape));
      addon.readConstant(constant, read);
      copy = new WeakRef(read);
      return read;
    };
    // The object's own properties, as every tensor has them.
    Object.defineProperties(this, {
      shape: { value: Object.freeze([...shape]), enumerable: true },
      data: { get: data, enumerable: true },
    });
  }

  /** The same tensor, copied to native memory unless it is there already, or in a file. */
  static of(tensor: Tensor): StoredTensor {
    if (tensor instanceof StoredTensor) return tensor;
    const { dtype, shape } = tensor;
    const inFile = tensor instanceof FileTensor ? tensor.constant() : undefined;
    return new StoredTensor(dtype, shape, inFile ?? addon.createConstant(dtype, shape, tensor.data));
  }

  /** Frees the memory once no plan uses it. The elements cannot be read after this call. */
  release(): void {
    addon.releaseConstant(this.constant);
  }
}
