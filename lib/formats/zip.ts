import { crc32, inflateRawSync } from 'node:zlib';

interface ZipEntry {
  readonly start: number;
  readonly storedSize: number;
  readonly size: number;
  readonly crc: number;
  readonly compressed: boolean;
}

const STORED = 0;
const DEFLATED = 8;
/** Limit on an archive's expanded size: far above real weights, far below what would exhaust a server. */
const expansionLimit = (archiveSize: number) => 64 * 2 ** 20 + 100 * archiveSize;

/**
 * A zip archive in memory (`.npz`, `.pt2` and the `.pt` files inside). Stored entries are returned as views of the
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
      return new ZipArchive(label, bytes, await readDirectory(bytes));
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
    const content = entry.compressed ? this.#inflate(name, stored, entry.size) : stored;
    if (content.length !== entry.size)
      throw new Error(`${this.label}: entry '${name}' has ${content.length} bytes, not ${entry.size}`);
    if (crc32(content) !== entry.crc)
      throw new Error(`${this.label}: entry '${name}' is damaged: its checksum does not match`);
    return content;
  }

  #inflate(name: string, stored: Uint8Array, size: number): Uint8Array {
    try {
      return inflateRawSync(stored, { maxOutputLength: Math.max(size, 1) });
    } catch (error) {
      throw new Error(`${this.label}: entry '${name}' cannot be inflated: ${(error as Error).message}`, {
        cause: error,
      });
    }
  }
}

async function readDirectory(bytes: Uint8Array): Promise<Map<string, ZipEntry>> {
  // Imported on first use: a process that serves a model reads no archives and starts sooner.
  const { fromBufferPromise } = await import('yauzl');
  const archive = await fromBufferPromise(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength), {
    lazyEntries: true,
    autoClose: false,
  });
  const entries = new Map<string, ZipEntry>();
  let expanded = 0;
  for await (const entry of archive.eachEntry()) {
    const { fileName, compressionMethod: method } = entry;
    if (entry.isEncrypted()) throw new Error(`entry '${fileName}' is encrypted`);
    if (method !== STORED && method !== DEFLATED)
      throw new Error(`entry '${fileName}' uses compression method ${method}; stored and deflate are known`);
    if (entries.has(fileName)) throw new Error(`entry '${fileName}' occurs twice`);
    expanded += entry.uncompressedSize;
    if (expanded > expansionLimit(bytes.length))
      throw new Error(`its ${bytes.length} bytes would expand to more than ${expansionLimit(bytes.length)}`);
    const { fileDataStart } = await archive.readLocalFileHeaderPromise(entry, { minimal: true });
    entries.set(fileName, {
      start: fileDataStart,
      storedSize: entry.compressedSize,
      size: entry.uncompressedSize,
      crc: entry.crc32,
      compressed: method === DEFLATED,
    });
  }
  checkExtents(entries, bytes.length);
  return entries;
}

/** Overlapping entries let a small archive expand without bound, and no writer produces them. */
function checkExtents(entries: ReadonlyMap<string, ZipEntry>, length: number): void {
  let end = 0;
  for (const [name, entry] of [...entries].sort(([, a], [, b]) => a.start - b.start)) {
    if (entry.start < end && entry.storedSize > 0) throw new Error(`entry '${name}' overlaps another one`);
    end = Math.max(end, entry.start + entry.storedSize);
    if (end > length) throw new Error(`entry '${name}' reaches beyond the end of the file`);
  }
}
