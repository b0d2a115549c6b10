import { extname } from 'node:path';
import { parse } from 'yaml';
import { readWhole } from '../../formats/open-file.ts';
import { parseJson } from '../../formats/parse-json.ts';
import { checkSettings } from './check-settings.ts';
import type { GivenSettings } from './settings.ts';

const readers: Readonly<Record<string, (text: string) => unknown>> = {
  '.json': parseJson,
  '.yaml': parse,
  '.yml': parse,
};

/**
 * What a file of settings says. Paths in it are, as those of flags, relative to where the command runs.
 * @param path YAML or JSON, by its ending.
 * @throws Error (rejects) that names the file and the field.
 */
export async function settingsOfFile(path: string): Promise<GivenSettings> {
  const read = readers[extname(path).toLowerCase()];
  if (!read)
    throw new Error(
      `${path}: a file of settings ends in ${Object.keys(readers).join(', ')}, which says its form`,
    );
  const text = new TextDecoder().decode(await readWhole(path));
  let given: unknown;
  try {
    given = read(text);
  } catch (error) {
    // YAML's reader shows the place in further lines.
    const [message] = (error as Error).message.split(':\n');
    throw new Error(`${path} could not be read: ${message}`, { cause: error });
  }
  // An empty file of YAML.
  return checkSettings(given ?? {}, {
    where: `${path}: `,
    nameOf: (names) => names.join('.') || 'it',
    isText: false,
  });
}
