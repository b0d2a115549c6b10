import { contentOf, readDirectory, type ZipEntry } from './zip-directory.ts';

/**
 * A zip archive in memory (`.npz`, and the `.pt` files inside a `.pt2`). Stored entries are returned as views of the
 * archive's bytes, without a copy. Every entry's checksum is verified when it is read.
 */
export class ZipArchive {
  /** The archive's name in errors: a path, or the entry it came from. */
  readonly label: string;
  readonly #bytes: Uint8Array;
  readonly #entries: ReadonlyMap<string, ZipEntry>;

  private constructor(label: string, bytes: Uint8Array, entries: ReadonlyMap<string, ZipEntry>) {
    this.label = label;
    this.#bytes = bytes;
    this.#entries = entries;
  }

  /**
   * Reads the archive's directory.
   * @throws Error that names `label` when the bytes are not a zip archive, are truncated, or describe entries that
   * overlap, are encrypted, or would expand beyond the limit.
   */
  static async open(bytes: Uint8Array, label: string): Promise<ZipArchive> {
    try {
      // Not before it is needed: a process that serves a model reads no archives, and starts sooner.
      const { fromBufferPromise } = await import('yauzl');
      const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      const archive = await fromBufferPromise(buffer, { lazyEntries: true, autoClose: false });
      return new ZipArchive(label, bytes, await readDirectory(archive, bytes.length));
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
   * The entry's content: a view of the archive if it is stored uncompressed.
   * @throws Error that names the archive and the entry when it is missing or damaged.
   */
  read(name: string): Uint8Array {
    const entry = this.#entries.get(name);
    if (!entry) throw new Error(`${this.label}: there is no entry '${name}'`);
    const stored = this.#bytes.subarray(entry.start, entry.start + entry.storedSize);
    return contentOf(`${this.label}: entry '${name}'`, entry, stored);
  }
}
