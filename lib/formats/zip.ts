import { type ByteSource, BytesInFile, BytesInMemory } from './byte-source.ts';
import type { Content } from './content.ts';
import { contentOf, readDirectory, type ZipEntry } from './zip-directory.ts';

/**
 * A zip archive (`.npz`, `.pt2`, and the `.pt` files inside a `.pt2`), of which only the directory is held in memory: entries
 * are read one by one when they are needed. Every entry's checksum is verified when it is read.
 */
export class ZipArchive {
  /** What to call the archive in errors: its path, or the entry it came from. */
  readonly label: string;
  readonly #source: ByteSource;
  readonly #entries: ReadonlyMap<string, ZipEntry>;

  private constructor(label: string, source: ByteSource, entries: ReadonlyMap<string, ZipEntry>) {
    this.label = label;
    this.#source = source;
    this.#entries = entries;
  }

  /**
   * Reads the archive's directory. Whoever opens an archive by its path closes it.
   * @param source a path, or the archive's bytes, of which stored entries are then views.
   * @throws Error that names `label` when the file cannot be opened, is no zip archive, is cut short, or describes entries
   * that overlap, are encrypted, or would expand beyond reason.
   */
  static async open(source: string | Uint8Array, label: string): Promise<ZipArchive> {
    if (typeof source !== 'string') return ZipArchive.within(new BytesInMemory(source), label);
    const file = BytesInFile.open(source);
    try {
      return await ZipArchive.within(file, label);
    } catch (error) {
      file.close();
      throw error;
    }
  }

  /** The same for an archive that is part of another file. */
  static async within(source: ByteSource, label: string): Promise<ZipArchive> {
    try {
      return new ZipArchive(label, source, await readDirectory(source));
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
   * An entry's content, not read yet.
   * @throws Error that names the archive and the entry when it is missing.
   */
  content(name: string): Content {
    const entry = this.#entry(name);
    const { start, size, crc, compressed } = entry;
    const place = compressed ? undefined : this.#source.place(start);
    return {
      length: size,
      read: () => this.#read(name, entry),
      place: place && { ...place, checksum: { crc32: crc, name: `entry '${name}'` } },
    };
  }

  /**
   * An entry's content: a view of the archive's bytes if it is stored uncompressed, and the archive is in memory.
   * @throws Error that names the archive and the entry when it is missing or damaged.
   */
  read(name: string): Uint8Array {
    return this.#read(name, this.#entry(name));
  }

  /**
   * An entry that is an archive itself. Of one that is stored uncompressed only the directory is read, and the checksums
   * verified are those of its own entries.
   * @throws Error as {@link open} does.
   */
  async archive(name: string, label: string): Promise<ZipArchive> {
    const { start, size, storedSize, compressed } = this.#entry(name);
    if (compressed || size !== storedSize) return ZipArchive.open(this.read(name), label);
    return ZipArchive.within(this.#source.section(start, size), label);
  }

  /** Closes the file, if it is one. Contents that were read stay. */
  close(): void {
    if (this.#source instanceof BytesInFile) this.#source.close();
  }

  #entry(name: string): ZipEntry {
    const entry = this.#entries.get(name);
    if (!entry) throw new Error(`${this.label}: there is no entry '${name}'`);
    return entry;
  }

  #read(name: string, entry: ZipEntry): Uint8Array {
    const stored = this.#source.read(entry.start, entry.storedSize);
    return contentOf(`${this.label}: entry '${name}'`, entry, stored);
  }
}
