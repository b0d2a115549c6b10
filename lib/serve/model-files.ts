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
 * Or, where `path` is a file, that one. Everything else is ignored.
 * @throws Error (rejects) when there is nothing at `path`.
 */
export async function listModelFiles(path: string): Promise<readonly ModelFile[]> {
  const root = await stat(path);
  if (root.isFile()) return [await describe(basename(path, extension), '1', path)];
  const files: ModelFile[] = [];
  for (const entry of (await readdir(path)).sort()) {
    const at = join(path, entry);
    const name = basename(entry, extension);
    if (!nameOfModel.test(name)) continue;
    const isFolder = (await stat(at)).isDirectory();
    if (!isFolder && entry.endsWith(extension)) files.push(await describe(name, '1', at));
    if (isFolder) files.push(...(await listVersions(entry, at)));
  }
  return files;
}

async function listVersions(name: string, folder: string): Promise<ModelFile[]> {
  const versions = (await readdir(folder)).filter((version) => /^[1-9]\d*$/.test(version));
  versions.sort((a, b) => Number(b) - Number(a));
  const files = versions.map(async (version) => {
    try {
      return [await describe(name, version, join(folder, version, `model${extension}`))];
    } catch {
      // A version that is still being copied has no file yet.
      return [];
    }
  });
  return (await Promise.all(files)).flat();
}

async function describe(name: string, version: string, path: string): Promise<ModelFile> {
  const { mtimeMs, size, ino } = await stat(path);
  return { name, version, path, stamp: `${ino} ${size} ${mtimeMs}` };
}
