import { readdir, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';

/** A file of a model repository. */
export interface ModelFile {
  readonly name: string;
  /** A whole number; `1` for a file without versions. */
  readonly version: string;
  readonly path: string;
  /** Changes when the file is replaced. */
  readonly stamp: string;
  /** Why it cannot be served, whatever it holds. */
  readonly fault?: string;
}

const extension = '.octavo';
const nameOfModel = /^[\w][\w.-]*$/;

/**
 * Lists the model files of a repository, by name and then by version, the newest first:
 *
 *     models/resnet50/1/model.octavo      version 1 of resnet50
 *     models/resnet50/2/model.octavo      version 2
 *     models/embedder.octavo              the only version of embedder
 *
 * Or, where `path` is a file, that one. Everything else is ignored: names that begin with a dot, links to nothing, folders that cannot
 * be read.
 * @throws Error (rejects) when there is nothing at `path`.
 */
export async function listModelFiles(path: string): Promise<readonly ModelFile[]> {
  const root = await stat(path);
  if (root.isFile()) return describe(basename(path, extension), '1', path);
  const entries = (await readdir(path)).filter((entry) => !entry.startsWith('.')).sort();
  const names = new Set(entries.flatMap((entry) => [basename(entry, extension), entry]));
  return (await Promise.all([...names].map((name) => listFiles(name, path)))).flat();
}

async function listFiles(name: string, folder: string): Promise<ModelFile[]> {
  const file = await describe(name, '1', join(folder, `${name}${extension}`));
  const versions = await listVersions(name, join(folder, name));
  if (file.length === 0 || versions.length === 0) return [...file, ...versions];
  // Nothing says which is meant.
  const [{ version }] = versions;
  const fault = `there are both ${name}${extension} and ${name}/${version}/model${extension}; remove one of them`;
  return versions.map((each) => ({ ...each, fault }));
}

async function listVersions(name: string, folder: string): Promise<ModelFile[]> {
  const entries = await readdir(folder).catch(() => []);
  const versions = entries.filter((version) => /^[1-9]\d*$/.test(version));
  versions.sort((a, b) => Number(b) - Number(a));
  // A version that is still being copied has no file yet.
  const files = versions.map((version) =>
    describe(name, version, join(folder, version, `model${extension}`)),
  );
  return (await Promise.all(files)).flat();
}

/** Empty if there is no such file. */
async function describe(name: string, version: string, path: string): Promise<ModelFile[]> {
  const file = await stat(path).catch(() => undefined);
  if (!file?.isFile()) return [];
  const stamp = `${file.ino} ${file.size} ${file.mtimeMs}`;
  if (nameOfModel.test(name)) return [{ name, version, path, stamp }];
  const fault =
    "the name of a model has letters of a to z, digits, '_', '-' and '.', and does not begin with '-' or '.'";
  return [{ name, version, path, stamp, fault }];
}
