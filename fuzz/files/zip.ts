import { crc32, deflateRawSync } from 'node:zlib';
import { ZipArchive } from '../../lib/formats/zip.ts';

/** An entry of a zip archive, with what its headers claim where that is not the truth. */
export interface ZipEntry {
  readonly name: string;
  readonly data: Uint8Array;
  readonly deflated?: boolean;
  readonly method?: number;
  readonly flags?: number;
  readonly size?: number;
  readonly storedSize?: number;
  /** Where the directory says that the entry begins. */
  readonly offset?: number;
}

/** What the end of the archive claims of its directory. */
export interface ZipEnd {
  readonly count?: number;
  readonly offset?: number;
}

/** All entries of an honest archive. */
export async function unzip(bytes: Uint8Array): Promise<ZipEntry[]> {
  const archive = await ZipArchive.open(bytes, 'an archive to damage');
  return archive.names.map((name) => ({ name, data: archive.read(name) }));
}

/** Writes an archive that says what its entries claim: libraries write only honest ones. */
export function zip(entries: readonly ZipEntry[], end: ZipEnd = {}): Buffer {
  const [parts, directory]: [Buffer[], Buffer[]] = [[], []];
  let at = 0;
  for (const entry of entries) {
    const stored = entry.deflated ? deflateRawSync(entry.data) : Buffer.from(entry.data);
    const name = Buffer.from(entry.name);
    // Version, flags, method, time, date, checksum, sizes, and the lengths of name and extra field.
    const common = Buffer.alloc(26);
    common.writeUInt16LE(20, 0);
    common.writeUInt16LE(entry.flags ?? 0, 2);
    common.writeUInt16LE(entry.method ?? (entry.deflated ? 8 : 0), 4);
    common.writeUInt32LE(crc32(entry.data), 10);
    common.writeUInt32LE((entry.storedSize ?? stored.length) >>> 0, 14);
    common.writeUInt32LE((entry.size ?? entry.data.length) >>> 0, 18);
    common.writeUInt16LE(name.length, 22);
    const local = [Buffer.from('PK\x03\x04', 'latin1'), common, name, stored];
    // Comment, disk, attributes; then where the entry begins.
    const rest = Buffer.alloc(14);
    rest.writeUInt32LE((entry.offset ?? at) >>> 0, 10);
    directory.push(Buffer.from('PK\x01\x02\x14\x00', 'latin1'), common, rest, name);
    parts.push(...local);
    at += local.reduce((sum, { length }) => sum + length, 0);
  }
  const listing = Buffer.concat(directory);
  const tail = Buffer.alloc(22);
  tail.write('PK\x05\x06', 'latin1');
  tail.writeUInt16LE(end.count ?? entries.length, 8);
  tail.writeUInt16LE(end.count ?? entries.length, 10);
  tail.writeUInt32LE(listing.length, 12);
  tail.writeUInt32LE((end.offset ?? at) >>> 0, 16);
  return Buffer.concat([...parts, listing, tail]);
}
