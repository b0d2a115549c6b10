import type { FilePlace } from '../formats/byte-source.ts';
import type { FileTensors as TensorMaker } from '../formats/content.ts';
import type { DType } from '../tensor/index.ts';
import { addon } from './addon.ts';
import type { NativeWeightFile } from './addon-types.ts';
import { FileTensor } from './file-tensor.ts';

/** Makes tensors whose elements stay in open files. The files may be closed afterwards: native code holds them open. */
export class FileTensors implements TensorMaker {
  readonly #files = new Map<number, NativeWeightFile>();

  /** @throws Error that names the file when it cannot be held open. */
  tensor(dtype: DType, shape: readonly number[], place: FilePlace): FileTensor {
    const { descriptor, path, position, checksum } = place;
    const file = this.#files.get(descriptor) ?? addon.openWeightFile(descriptor, path);
    this.#files.set(descriptor, file);
    const [constant] = addon.openWeights(file, [{ dtype, shape, position, checksum }]);
    return new FileTensor(dtype, shape, constant);
  }
}
