import { open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';

/**
 * Writes a file that is there completely or not at all: beside `path` first, moved there when it is on the disk.
 * @throws Error that names `path` and says why it could not be written; nothing is left behind.
 */
export async function writeWhole(path: string, chunks: Iterable<Uint8Array | string>): Promise<void> {
  // Imported late: it takes Node a while, and most processes write no file.
  const { randomUUID } = await import('node:crypto');
  const unfinished = `${path}.${randomUUID()}.tmp`;
  try {
    const file = await open(unfinished, 'wx');
    try {
      for (const chunk of chunks) await file.writeFile(chunk);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(unfinished, path);
  } catch (error) {
    await rm(unfinished, { force: true });
    throw new Error(`${path} could not be written: ${reasonOf(error, path)}`, { cause: error });
  }
}

/** Not the system's message alone: it names the unfinished file, which is gone. */
function reasonOf(error: unknown, path: string): string {
  const { code, message } = error as NodeJS.ErrnoException;
  return code === 'ENOENT' ? `there is no folder ${dirname(path)}` : message;
}
