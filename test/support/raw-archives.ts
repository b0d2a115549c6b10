import { readFileSync } from 'node:fs';
import { type Document, type Entries, unzip, zip } from './archives.ts';

/** A linear layer and a constant argument, as PyTorch 2.14 saves it: its root folder has the file's name. */
export const rawFixture = 'test/fixtures/cases/pytorch_2.14/float_argument.pt2';
const ROOT = 'float_argument/';

/** The entries of a raw archive by what they hold; JSON documents are parsed. */
export interface RawParts {
  readonly entries: Entries;
  readonly program: Document;
  readonly weights: Document;
  readonly constants: Document;
  /** Writes an entry beside the configs: `data/weights/weight_0`. */
  put(name: string, content: Uint8Array | string): void;
}

const encode = (text: string) => new TextEncoder().encode(text);

/** The fixture, or another raw archive of this root folder, with its parts changed. */
export async function withRaw(
  change: (parts: RawParts) => void,
  archive: Uint8Array = readFileSync(rawFixture),
): Promise<Uint8Array> {
  const entries = await unzip(archive);
  const documents = [
    'models/model.json',
    'data/weights/model_weights_config.json',
    'data/constants/model_constants_config.json',
  ].map((name) => ({
    name: `${ROOT}${name}`,
    document: JSON.parse(new TextDecoder().decode(entries.get(`${ROOT}${name}`))) as Document,
  }));
  const [program, weights, constants] = documents.map(({ document }) => document);
  const written = new Map(documents.map(({ name, document }) => [name, document]));
  change({
    entries,
    program,
    weights: weights.config,
    constants: constants.config,
    put: (name, content) =>
      entries.set(`${ROOT}${name}`, typeof content === 'string' ? encode(content) : content),
  });
  // An entry that the change took away stays away.
  for (const [name, document] of written)
    if (entries.has(name)) entries.set(name, encode(JSON.stringify(document)));
  return zip(entries);
}

/** A raw archive's entries under other names. */
export async function renamed(rename: (name: string) => string): Promise<Uint8Array> {
  const entries = await unzip(readFileSync(rawFixture));
  return zip(new Map([...entries].map(([name, content]) => [rename(name), content])));
}

/** `tiny_cnn.pt2` in the layout of PyTorch 2.8: the same files of `torch.save` under a root folder. */
export async function rooted(root = 'tiny_cnn/', model = 'model'): Promise<Entries> {
  const flat = await unzip(readFileSync('models/tiny_cnn.pt2'));
  return new Map([
    [`${root}models/${model}.json`, flat.get('serialized_exported_program.json')!],
    [`${root}data/weights/${model}.pt`, flat.get('serialized_state_dict.pt')!],
    [`${root}data/constants/${model}.pt`, flat.get('serialized_constants.pt')!],
    [`${root}data/sample_inputs/${model}.pt`, flat.get('serialized_example_inputs.pt')!],
    [`${root}archive_format`, encode('pt2')],
    [`${root}archive_version`, encode('0')],
    [`${root}byteorder`, encode('little')],
  ]);
}
