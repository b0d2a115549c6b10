import { JsonCursor } from '../../../formats/json-cursor.ts';
import { RepetitionBudget, TensorStorage } from '../../../formats/tensor-storage.ts';
import type { ZipArchive } from '../../../formats/zip.ts';
import { FileTensors } from '../../../native/file-tensors.ts';
import { byteSizeOf, numelOf, Tensor } from '../../../tensor/index.ts';
import { type PayloadMeta, readPayloadMeta } from './payload-meta.ts';

/**
 * Tensors whose storages are entries of their own, as a payload config lists them. Large ones stay in the file until their
 * elements are needed; tensors of the same place in a storage (tied weights) are one.
 */
export class RawTensors {
  readonly #file: ZipArchive;
  readonly #config: JsonCursor;
  /** The folder of the config and of the entries that it names, with its slash. */
  readonly #folder: string;
  readonly #budget = new RepetitionBudget();
  readonly #inFile = new FileTensors();
  readonly #storages = new Map<string, TensorStorage>();
  #hasWarned = false;

  private constructor(file: ZipArchive, config: JsonCursor, folder: string) {
    this.#file = file;
    this.#config = config;
    this.#folder = folder;
  }

  /**
   * @param path of the config in the archive.
   * @throws Error when the config is missing, or is not one.
   */
  static open(file: ZipArchive, path: string): RawTensors {
    const document = JsonCursor.parse(file.read(path), `${path}: $`);
    const config = document.field('config');
    config.entries();
    return new RawTensors(file, config, path.slice(0, path.lastIndexOf('/') + 1));
  }

  /**
   * @returns undefined when the config does not list the name.
   * @throws Error with the config's path: not a plain tensor, an entry that is missing or of a wrong size, or a
   * view that reaches beyond its storage.
   */
  tensor(name: string): Tensor | undefined {
    const at = this.#config.optionalField(name);
    if (!at) return undefined;
    const meta = readPayloadMeta(at);
    const storage = this.#storage(at, meta.entry);
    const { dtype, offset, shape, strides } = meta;
    if (storage.length % byteSizeOf(dtype) !== 0)
      at.fail(`is ${dtype}, but its entry '${meta.entry}' has ${storage.length} bytes`);
    try {
      if (storage.length === 0 && !shape.includes(0)) return this.#zeros(name, meta);
      return storage.view(dtype, offset, shape, strides);
    } catch (error) {
      return at.fail(`cannot be read: ${(error as Error).message}`);
    }
  }

  #storage(at: JsonCursor, entry: string): TensorStorage {
    const known = this.#storages.get(entry);
    if (known) return known;
    const path = `${this.#folder}${entry}`;
    if (!this.#file.has(path)) at.fail(`names the entry '${path}', which the archive does not have`);
    const storage = new TensorStorage(this.#file.content(path), this.#budget, this.#inFile);
    this.#storages.set(entry, storage);
    return storage;
  }

  /** As PyTorch reads a tensor that was saved without elements. */
  #zeros(name: string, { dtype, shape }: PayloadMeta): Tensor {
    this.#budget.spend(numelOf(shape));
    if (!this.#hasWarned)
      process.emitWarning(
        `${this.#file.label}: the tensor '${name}' was saved without elements, from fake tensors perhaps; ` +
          'as in PyTorch, it and its like are zeros',
        'OctavoWarning',
      );
    this.#hasWarned = true;
    return Tensor.zeros(dtype, shape);
  }
}
