import { open, realpath, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';

/**
 * Writes a file that is there completely or not at all: beside `path` first, moved there when it is on the disk. A file that
 * it replaces leaves its permissions to it, and a link to one goes on to lead there.
 * @throws Error that names `path` and says why it could not be written; nothing is left behind.
 */
export async function writeWhole(path: string, chunks: Iterable<Uint8Array | string>): Promise<void> {
  // Imported late: it takes Node a while, and most processes write no file.
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

/** Not the system's message alone: it names the unfinished file, which is gone. */
function reasonOf(error: unknown, path: string): string {
  const { code, message } = error as NodeJS.ErrnoException;
  return code === 'ENOENT' ? `there is no folder ${dirname(path)}` : message;
}
