import { checkSettings } from './check-settings.ts';
import type { GivenSettings } from './settings.ts';

const prefix = 'OCTAVO_SERVE_';

/** Where the file of settings is. */
export const configVariable = `${prefix}CONFIG`;
/** The token itself, which stands in no file of settings and is never printed. */
export const tokenVariable = `${prefix}TOKEN`;

/** The variable of a setting: `OCTAVO_SERVE_MAX_BATCH_SIZE`. */
export const variableOf = (name: string) =>
  prefix + name.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase();

const settingOf = (variable: string) =>
  variable
    .slice(prefix.length)
    .toLowerCase()
    .replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase());

/**
 * What the environment says.
 * @throws Error that names the variable which is unknown, or has an impossible value.
 */
export function settingsOfEnvironment(environment: NodeJS.ProcessEnv): GivenSettings {
  const given: Record<string, string> = {};
  for (const [variable, value] of Object.entries(environment)) {
    if (!variable.startsWith(prefix) || [configVariable, tokenVariable].includes(variable)) continue;
    if (variable === variableOf('models'))
      throw new Error(
        `${variable}: what single models have otherwise stands in a file; the folder of models is ${variableOf('repository')}`,
      );
    given[settingOf(variable)] = value!;
  }
  return checkSettings(given, { nameOf: ([name]) => variableOf(name), isText: true });
}
