import { crc32, inflateRawSync } from 'node:zlib';
import type { ZipFile } from 'yauzl';
import type { ByteSource } from './byte-source.ts';

/** Where an entry of a zip archive is stored, and what its content has to be. */
export interface ZipEntry {
  /** In bytes, from the beginning of the archive. */
  readonly start: number;
  readonly storedSize: number;
  readonly size: number;
  readonly crc: number;
  readonly compressed: boolean;
}

const STORED = 0;
const DEFLATED = 8;
/** What an archive may expand to: far above any honest weights, far below what would exhaust a server. */
const expansionLimit = (archiveSize: number) => 64 * 2 ** 20 + 100 * archiveSize;

/**
 * Reads the central directory of an archive, by which alone entries are found.
 * @throws Error when the directory is damaged, or describes entries that overlap, occur twice, are encrypted, or would
 * expand beyond reason.
 */
export async function readDirectory(source: ByteSource): Promise<Map<string, ZipEntry>> {
  const archiveSize = source.size;
  const archive = await openArchive(source);
  const entries = new Map<string, ZipEntry>();
  let expanded = 0;
  for await (const entry of archive.eachEntry()) {
    const { fileName, compressionMethod: method } = entry;
    if (entry.isEncrypted()) throw new Error(`entry '${fileName}' is encrypted`);
    if (method !== STORED && method !== DEFLATED)
      throw new Error(`entry '${fileName}' uses compression method ${method}; stored and deflate are known`);
    if (entries.has(fileName)) throw new Error(`entry '${fileName}' occurs twice`);
    expanded += entry.uncompressedSize;
    if (expanded > expansionLimit(archiveSize))
      throw new Error(`its ${archiveSize} bytes would expand to more than ${expansionLimit(archiveSize)}`);
    const { fileDataStart } = await archive.readLocalFileHeaderPromise(entry, { minimal: true });
    entries.set(fileName, {
      start: fileDataStart,
      storedSize: entry.compressedSize,
      size: entry.uncompressedSize,
      crc: entry.crc32,
      compressed: method === DEFLATED,
    });
  }
  checkExtents(entries, archiveSize);
  return entries;
}

async function openArchive(source: ByteSource): Promise<ZipFile> {
  // Not before it is needed: a process that serves a model reads no archives, and starts sooner.
  const { fromRandomAccessReaderPromise, RandomAccessReader } = await import('yauzl');
  class Reader extends RandomAccessReader {
    override read(
      into: Buffer,
      offset: number,
      length: number,
      position: number,
      done: (error: Error | null) => void,
    ): void {
      let failure: Error | null = null;
      try {
        const bytes = source.read(position, length);
        into.set(bytes, offset);
        if (bytes.length < length) failure = new Error('it is cut short');
      } catch (error) {
        failure = error as Error;
      }
      queueMicrotask(() => done(failure));
    }
  }
  return fromRandomAccessReaderPromise(new Reader(), source.size, { lazyEntries: true, autoClose: false });
}

/** Entries that share bytes are how a small archive expands without bound, and no writer makes them. */
function checkExtents(entries: ReadonlyMap<string, ZipEntry>, length: number): void {
  let end = 0;
  for (const [name, entry] of [...entries].sort(([, a], [, b]) => a.start - b.start)) {
    if (entry.start < end && entry.storedSize > 0) throw new Error(`entry '${name}' overlaps another one`);
    end = Math.max(end, entry.start + entry.storedSize);
    if (end > length) throw new Error(`entry '${name}' reaches beyond the end of the file`);
  }
}

/**
 * An entry's content from the bytes that are stored of it: these themselves, unless they are compressed.
 * @param name of archive and entry, for messages.
 * @throws Error that names the entry when it is damaged.
 */
export function contentOf(name: string, entry: ZipEntry, stored: Uint8Array): Uint8Array {
  const content = entry.compressed ? inflate(name, stored, entry.size) : stored;
  if (content.length !== entry.size)
    throw new Error(`${name} has ${content.length} bytes, not ${entry.size}`);
  if (crc32(content) !== entry.crc) throw new Error(`${name} is damaged: its checksum does not match`);
  return content;
}

function inflate(name: string, stored: Uint8Array, size: number): Uint8Array {
  try {
    return inflateRawSync(stored, { maxOutputLength: Math.max(size, 1) });
  } catch (error) {
    throw new Error(`${name} cannot be inflated: ${(error as Error).message}`, { cause: error });
  }
}
