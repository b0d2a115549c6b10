import { realpathSync, statSync } from 'node:fs';
import { dirname, isAbsolute, resolve, sep } from 'node:path';
import { BytesInFile } from '../../../formats/byte-source.ts';
import type { Content } from '../../../formats/content.ts';
import type { TensorMessage } from './messages.ts';

/**
 * The files beside a model that hold tensors of it. Nothing outside of the model's folder is read, wherever a path or a link
 * in it leads.
 */
export class ExternalFiles {
  readonly #modelPath: string | undefined;
  readonly #open = new Map<string, BytesInFile>();

  /** @param modelPath undefined for a model that was given as bytes. */
  constructor(modelPath: string | undefined) {
    this.#modelPath = modelPath;
  }

  /** @throws Error that names the tensor: its file is missing or outside of the folder, or ends before it. */
  content(tensor: TensorMessage): Content {
    const what = `the external data of the tensor '${tensor.name}'`;
    if (this.#modelPath === undefined)
      throw new Error(`${what} is in another file, and the model was given as bytes; give its path`);
    const entries = new Map(tensor.externalData.map(({ key, value }) => [key, value]));
    const location = entries.get('location');
    if (!location) throw new Error(`${what} has no location`);
    const file = this.#file(location, this.#modelPath, what);
    const offset = wholeNumber(entries.get('offset') ?? '0', 'offset', what);
    const length = wholeNumber(entries.get('length') ?? String(file.size - offset), 'length', what);
    if (offset + length > file.size)
      throw new Error(`${what} ends at byte ${offset + length} of '${location}', which has ${file.size}`);
    return { length, read: () => file.read(offset, length), place: file.place(offset) };
  }

  close(): void {
    for (const file of this.#open.values()) file.close();
    this.#open.clear();
  }

  #file(location: string, modelPath: string, what: string): BytesInFile {
    const folder = realpathSync(dirname(modelPath));
    const path = resolve(folder, location);
    if (isAbsolute(location) || !isInside(path, folder))
      throw new Error(`${what} is in '${location}', outside of the model's folder`);
    const real = realPath(path, what);
    if (!isInside(real, folder))
      throw new Error(`${what} is in '${location}', which leads outside of the model's folder`);
    const file = this.#open.get(real) ?? BytesInFile.open(real);
    this.#open.set(real, file);
    return file;
  }
}

const isInside = (path: string, folder: string): boolean =>
  path.startsWith(folder.endsWith(sep) ? folder : folder + sep);

function realPath(path: string, what: string): string {
  try {
    const real = realpathSync(path);
    if (statSync(real).isFile()) return real;
  } catch (error) {
    throw new Error(`${what} could not be opened: ${(error as Error).message}`, { cause: error });
  }
  throw new Error(`${what}: ${path} is not a file`);
}

function wholeNumber(text: string, name: string, what: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(value))
    throw new Error(`${what} has the ${name} '${text}'`);
  return value;
}
