import { access, constants, realpath, stat } from 'node:fs/promises';
import { basename, dirname, extname, join } from 'node:path';
import { UsageError } from './usage-error.ts';

/**
 * To be called before the time is spent that it takes to make what is to be written.
 * @param option that the path was given with, for the message.
 * @param others files that the command reads or writes, by what they were given as.
 * @throws Error when no file can be written there, or it is one of the others.
 */
export async function checkOutputPath(
  option: string,
  path: string,
  others: Readonly<Record<string, string | undefined>> = {},
): Promise<void> {
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
  if (await isFolder(path)) throw refuse('it is a folder');
  if (path.endsWith('/')) throw refuse('its name ends as a folder does; name a file in it');
  const target = await targetOf(path);
  for (const [what, other] of Object.entries(others))
    if (other !== undefined && (await targetOf(other)) === target)
      throw new UsageError(`${option} ${path} is the same file as ${what}, which it would replace`);
}

/**
 * @param formats endings of what is written.
 * @throws UsageError for a name that says it were another kind of model.
 */
export function checkModelName(option: string, path: string, formats: readonly string[]): void {
  const ending = extname(path).toLowerCase();
  if (['.pt2', '.onnx'].includes(ending) && !formats.includes(ending))
    throw new UsageError(`${option} ${path}: ${ending} is not written here, but ${formats.join(' or ')}`);
}

const isFolder = async (path: string) => (await stat(path).catch(() => undefined))?.isDirectory() ?? false;

/** Where a file is or would be, whatever links lead there. */
async function targetOf(path: string): Promise<string> {
  const inFolder = async () => join(await realpath(dirname(path)).catch(() => dirname(path)), basename(path));
  return realpath(path).catch(inFolder);
}
