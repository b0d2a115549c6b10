import { JsonCursor } from '../../../formats/json-cursor.ts';
import { RepetitionBudget, TensorStorage } from '../../../formats/tensor-storage.ts';
import type { ZipFile } from '../../../formats/zip-file.ts';
import { byteSizeOf, numelOf, Tensor } from '../../../tensor/index.ts';
import { type PayloadMeta, readPayloadMeta } from './payload-meta.ts';

/**
 * Tensors whose storages are entries of their own, as a payload config lists them. A storage is read when the first of its
 * tensors is needed; tensors of the same place in it (tied weights) are one.
 */
export class RawTensors {
  readonly #file: ZipFile;
  readonly #config: JsonCursor;
  /** The folder of the config and of the entries that it names, with its slash. */
  readonly #folder: string;
  readonly #budget = new RepetitionBudget();
  readonly #storages = new Map<string, TensorStorage>();
  #hasWarned = false;

  private constructor(file: ZipFile, config: JsonCursor, folder: string) {
    this.#file = file;
    this.#config = config;
    this.#folder = folder;
  }

  /**
   * @param path of the config in the archive.
   * @throws Error (rejects) when the config is missing, or is not one.
   */
  static async open(file: ZipFile, path: string): Promise<RawTensors> {
    const document = JsonCursor.parse(await file.read(path), `${path}: $`);
    const config = document.field('config');
    config.entries();
    return new RawTensors(file, config, path.slice(0, path.lastIndexOf('/') + 1));
  }

  /**
   * @returns undefined when the config does not list the name.
   * @throws Error (rejects) with the config's path: not a plain tensor, an entry that is missing or of a wrong size, or a
   * view that reaches beyond its storage.
   */
  async tensor(name: string): Promise<Tensor | undefined> {
    const at = this.#config.optionalField(name);
    if (!at) return undefined;
    const meta = readPayloadMeta(at);
    const storage = await this.#storage(at, meta.entry);
    const { dtype, offset, shape, strides } = meta;
    if (storage.bytes.length % byteSizeOf(dtype) !== 0)
      at.fail(`is ${dtype}, but its entry '${meta.entry}' has ${storage.bytes.length} bytes`);
    try {
      if (storage.bytes.length === 0 && !shape.includes(0)) return this.#zeros(name, meta);
      return storage.view(dtype, offset, shape, strides);
    } catch (error) {
      return at.fail(`cannot be read: ${(error as Error).message}`);
    }
  }

  async #storage(at: JsonCursor, entry: string): Promise<TensorStorage> {
    const known = this.#storages.get(entry);
    if (known) return known;
    const path = `${this.#folder}${entry}`;
    if (!this.#file.has(path)) at.fail(`names the entry '${path}', which the archive does not have`);
    const storage = new TensorStorage(await this.#file.read(path), this.#budget);
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
