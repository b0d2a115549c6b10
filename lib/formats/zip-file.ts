import type { FileHandle } from 'node:fs/promises';
import { openFile } from './open-file.ts';
import { contentOf, readDirectory, type ZipEntry } from './zip-directory.ts';

/** The most that one system call reads. */
const LARGEST_READ = 2 ** 30;

/**
 * A zip archive in a file, of which only the directory is held in memory: entries are read one by one when they are
 * needed, each into memory of its own. Every entry's checksum is verified. Whoever opens the archive closes it.
 */
export class ZipFile {
  /** What to call the archive in errors: its path, or a description. */
  readonly label: string;
  /** In bytes. */
  readonly size: number;
  readonly #source: FileHandle | Uint8Array;
  readonly #entries: ReadonlyMap<string, ZipEntry>;

  private constructor(
    label: string,
    size: number,
    source: FileHandle | Uint8Array,
    entries: ReadonlyMap<string, ZipEntry>,
  ) {
    this.label = label;
    this.size = size;
    this.#source = source;
    this.#entries = entries;
  }

  /**
   * Reads the archive's directory.
   * @param source a path, or the archive's bytes, of which entries are then views.
   * @param label for errors.
   * @throws Error that names `label` when the file cannot be opened, is no zip archive, is cut short, or describes entries
   * that overlap, are encrypted, or would expand beyond reason.
   */
  static async open(source: string | Uint8Array, label: string): Promise<ZipFile> {
    if (typeof source !== 'string') return ZipFile.#read(source, source.length, label);
    const file = await openFile(source);
    try {
      return await ZipFile.#read(file, (await file.stat()).size, label);
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  static async #read(source: FileHandle | Uint8Array, size: number, label: string): Promise<ZipFile> {
    // Not before it is needed, as in `zip.ts`.
    const { fromBufferPromise, fromFdPromise } = await import('yauzl');
    const options = { lazyEntries: true, autoClose: false } as const;
    try {
      const archive =
        source instanceof Uint8Array
          ? await fromBufferPromise(Buffer.from(source.buffer, source.byteOffset, size), options)
          : await fromFdPromise(source.fd, options);
      return new ZipFile(label, size, source, await readDirectory(archive, size));
    } catch (error) {
      throw new Error(`${label}: not a readable zip archive: ${(error as Error).message}`, { cause: error });
    }
  }

  /** Names of the entries, in the directory's order. */
  get names(): readonly string[] {
    return [...this.#entries.keys()];
  }

  has(name: string): boolean {
    return this.#entries.has(name);
  }

  /**
   * Bytes of an entry's content.
   * @throws Error that names the archive and the entry when it is missing.
   */
  sizeOf(name: string): number {
    return this.#entry(name).size;
  }

  /**
   * An entry's content.
   * @throws Error that names the archive and the entry when it is missing or damaged.
   */
  async read(name: string): Promise<Uint8Array> {
    const entry = this.#entry(name);
    const stored = await this.#bytes(entry.start, entry.storedSize);
    return contentOf(`${this.label}: entry '${name}'`, entry, stored);
  }

  /** Closes the file. Contents that were read stay. */
  async close(): Promise<void> {
    if (!(this.#source instanceof Uint8Array)) await this.#source.close();
  }

  #entry(name: string): ZipEntry {
    const entry = this.#entries.get(name);
    if (!entry) throw new Error(`${this.label}: there is no entry '${name}'`);
    return entry;
  }

  async #bytes(start: number, length: number): Promise<Uint8Array> {
    if (this.#source instanceof Uint8Array) return this.#source.subarray(start, start + length);
    const bytes = new Uint8Array(length);
    for (let done = 0; done < length; ) {
      const count = Math.min(length - done, LARGEST_READ);
      const { bytesRead } = await this.#source.read(bytes, done, count, start + done);
      // The file was cut after the directory was read; the checksum tells.
      if (bytesRead === 0) break;
      done += bytesRead;
    }
    return bytes;
  }
}
