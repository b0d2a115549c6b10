import type { PickleValue } from '../../../formats/pickle.ts';
import { readTorchSave, readTorchValue } from '../../../formats/torch-save.ts';
import type { ZipFile } from '../../../formats/zip-file.ts';
import type { Tensor } from '../../../tensor/index.ts';

/** A dict of tensors that `torch.save` wrote into an entry of the archive, read when the first of them is needed. */
export class PickledTensors {
  readonly #file: ZipFile;
  readonly #entry: string;
  readonly #what: string;
  #tensors: Promise<Map<string, Tensor>> | undefined;

  /** @param what the dict holds, for messages. */
  constructor(file: ZipFile, entry: string, what: string) {
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
    return readTorchSave(await this.#file.read(this.#entry), `${this.#file.label}: ${this.#what}`);
  }
}

/** The value that `torch.save` wrote into an entry; undefined where there is none, or an empty one. */
export async function readPickledValue(file: ZipFile, entry: string): Promise<PickleValue | undefined> {
  if (!file.has(entry) || file.sizeOf(entry) === 0) return undefined;
  return readTorchValue(await file.read(entry), `${file.label}: ${entry}`);
}
