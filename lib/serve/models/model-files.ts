import type { Stats } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { basename, join, relative } from 'node:path';

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

/**
 * One model, under a name that its files need not have. KServe, for example, copies the files of one model into a folder, and wants it
 * served under the name of the InferenceService.
 */
export interface NamedModel {
  readonly name: string;
  /** An `.octavo` file, a folder that holds one, or a folder of versions with `<version>/model.octavo`. */
  readonly path: string;
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
 * Or, where the path is a file, that one; or the files of one {@link NamedModel}. Everything else is ignored: names that begin with a
 * dot, links to nothing, folders that cannot be read.
 * @throws Error (rejects) when there is nothing at the path.
 */
export async function listModelFiles(models: string | NamedModel): Promise<readonly ModelFile[]> {
  return typeof models === 'string' ? listRepository(models) : listNamed(models);
}

/**
 * Where models are.
 * @throws Error when there is no such way to say it.
 */
export function pathOfModels(models: string | NamedModel): string {
  if (typeof models === 'string') return models;
  // From JavaScript anything may come.
  const { name, path }: Partial<NamedModel> = models ?? {};
  if (typeof name !== 'string' || typeof path !== 'string')
    throw new Error(
      'models must be the path of a folder or of an .octavo file, or { name, path } for a model with a name of its own',
    );
  return path;
}

async function statOf(path: string): Promise<Stats> {
  try {
    return await stat(path);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const why = code === 'ENOENT' ? 'no such file or folder (ENOENT)' : message;
    throw Object.assign(new Error(`there are no models to serve at ${path}: ${why}`, { cause: error }), {
      code,
    });
  }
}

async function listRepository(path: string): Promise<readonly ModelFile[]> {
  const root = await statOf(path);
  if (root.isFile()) return describe(basename(path, extension), '1', path);
  const entries = (await readdir(path)).filter((entry) => !entry.startsWith('.')).sort();
  const names = new Set(entries.flatMap((entry) => [basename(entry, extension), entry]));
  return (await Promise.all([...names].map((name) => listFiles(name, path)))).flat();
}

async function listNamed({ name, path }: NamedModel): Promise<readonly ModelFile[]> {
  const root = await statOf(path);
  if (root.isFile()) return describe(name, '1', path);
  const entries = (await readdir(path)).filter((entry) => /^[^.].*\.octavo$/.test(entry)).sort();
  const files = (await Promise.all(entries.map((entry) => describe(name, '1', join(path, entry))))).flat();
  const versions = await listVersions(name, path);
  if (files.length + Math.min(versions.length, 1) < 2) return [...files, ...versions];
  const [one, other] = [...files, ...versions].map((file) => relative(path, file.path));
  const fault = `there are both ${one} and ${other}; remove one of them`;
  return [{ ...(versions[0] ?? files[0]), fault }];
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
