import type { PickleValue } from '../../../formats/pickle.ts';
import { readTorchSave, readTorchValue } from '../../../formats/torch-save.ts';
import type { ZipArchive } from '../../../formats/zip.ts';
import { FileTensors } from '../../../native/file-tensors.ts';
import type { Tensor } from '../../../tensor/index.ts';

/**
 * A dict of tensors that `torch.save` wrote into an entry of the archive, whose directory and pickle
 * are read when the first of them is needed. Large ones stay in the file until their elements are needed.
 */
export class PickledTensors {
  readonly #file: ZipArchive;
  readonly #entry: string;
  readonly #what: string;
  #tensors: Promise<Map<string, Tensor>> | undefined;

  /** @param what the dict holds, for messages. */
  constructor(file: ZipArchive, entry: string, what: string) {
    this.#file = file;
    this.#entry = entry;
    this.#what = what;
  }

  /** @throws Error (rejects) that names the archive when the entry is missing, damaged, or holds anything but tensors. */
  async tensor(name: string): Promise<Tensor | undefined> {
    this.#tensors ??= this.#read();
    return (await this.#tensors).get(name);
  }

  async #read(): Promise<Map<string, Tensor>> {
    const archive = await this.#file.archive(this.#entry, `${this.#file.label}: ${this.#what}`);
    return readTorchSave(archive, new FileTensors());
  }
}

/** The value that `torch.save` wrote into an entry; undefined where there is none, or an empty one. */
export async function readPickledValue(file: ZipArchive, entry: string): Promise<PickleValue | undefined> {
  if (!file.has(entry) || file.content(entry).length === 0) return undefined;
  return readTorchValue(await file.archive(entry, `${file.label}: ${entry}`));
}
