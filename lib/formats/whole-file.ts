import { open, realpath, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';

/**
 * Writes a file completely or not at all: first to a temporary file next to `path`, which is renamed to `path` once it
 * is on the disk. An existing file's permissions are kept, and a symbolic link still points to its target.
 * @throws Error that names `path` and the cause when it cannot be written; no temporary file remains.
 */
export async function writeWhole(path: string, chunks: Iterable<Uint8Array | string>): Promise<void> {
  // Imported on first use: loading it takes time, and most processes write no file.
  const { randomUUID } = await import('node:crypto');
  const target = await unlessMissing(realpath(path), path);
  const unfinished = `${target}.${randomUUID()}.tmp`;
  try {
    const replaced = await unlessMissing(stat(target), undefined);
    const file = await open(unfinished, 'wx');
    try {
      if (replaced) await file.chmod(replaced.mode & 0o777);
      for (const chunk of chunks) await file.writeFile(chunk);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(unfinished, target);
  } catch (error) {
    await rm(unfinished, { force: true });
    throw new Error(`${path} could not be written: ${reasonOf(error, path)}`, { cause: error });
  }
}

/** Any other problem with the path is reported when the file is opened. */
const unlessMissing = <T, U>(found: Promise<T>, otherwise: U): Promise<T | U> => found.catch(() => otherwise);

/** Not the system's message, which names the temporary file that no longer exists. */
function reasonOf(error: unknown, path: string): string {
  const { code, message } = error as NodeJS.ErrnoException;
  return code === 'ENOENT' ? `there is no folder ${dirname(path)}` : message;
}
