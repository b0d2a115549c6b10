import { access, constants, stat } from 'node:fs/promises';
import { dirname } from 'node:path';

/**
 * To be called before the time is spent that it takes to make what is to be written.
 * @param option that the path was given with, for the message.
 * @throws Error when no file can be written there.
 */
export async function checkOutputPath(option: string, path: string): Promise<void> {
  const refuse = (reason: string, options?: ErrorOptions) =>
    new Error(`${option} ${path} could not be written: ${reason}`, options);
  const folder = dirname(path);
  try {
    await access(folder, constants.W_OK);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const reason = code === 'ENOENT' ? `there is no folder ${folder}` : `${folder} is not writable (${code})`;
    throw refuse(reason, { cause: error });
  }
  const there = await stat(path).catch(() => undefined);
  if (there?.isDirectory()) throw refuse('it is a folder');
}
