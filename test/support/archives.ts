import { readFileSync } from 'node:fs';
import { buffer } from 'node:stream/consumers';
import { ZipFile } from 'yazl';
import { ZipArchive } from '../../lib/formats/zip.ts';

export type Entries = Map<string, Uint8Array>;

/** All entries of a zip archive. */
export async function unzip(bytes: Uint8Array): Promise<Entries> {
  const archive = await ZipArchive.open(bytes, 'test');
  return new Map(archive.names.map((name) => [name, archive.read(name)]));
}

/** A zip archive of these entries. */
export async function zip(entries: Entries, compress = false): Promise<Uint8Array> {
  const file = new ZipFile();
  for (const [name, content] of entries) file.addBuffer(Buffer.from(content), name, { compress });
  file.end();
  return new Uint8Array(await buffer(file.outputStream));
}

const PROGRAM = 'serialized_exported_program.json';
const STATE = 'serialized_state_dict.pt';

/** A document of the tests' choosing. */
// biome-ignore lint/suspicious/noExplicitAny: tests break the document in ways no type allows
export type Document = any;

const tinyCnn = () => readFileSync('models/tiny_cnn.pt2');

/** `tiny_cnn.pt2`, or another archive, with its program changed. */
export async function withProgram(
  change: (program: Document) => void,
  archive: Uint8Array = tinyCnn(),
): Promise<Uint8Array> {
  const entries = await unzip(archive);
  const program = JSON.parse(new TextDecoder().decode(entries.get(PROGRAM)));
  change(program);
  entries.set(PROGRAM, new TextEncoder().encode(JSON.stringify(program)));
  return zip(entries);
}

/** `tiny_cnn.pt2` with the archive of its state dict changed. */
export async function withState(change: (entries: Entries) => void): Promise<Uint8Array> {
  const entries = await unzip(tinyCnn());
  const state = await unzip(entries.get(STATE)!);
  change(state);
  entries.set(STATE, await zip(state));
  return zip(entries);
}

/** A pickle from its parts: text as Latin-1, numbers as bytes. */
export function pickle(...parts: readonly (string | number)[]): Uint8Array {
  return new Uint8Array(
    Buffer.concat(
      parts.map((part) => (typeof part === 'number' ? Buffer.of(part) : Buffer.from(part, 'latin1'))),
    ),
  );
}
