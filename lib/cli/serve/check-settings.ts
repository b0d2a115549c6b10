import { Ajv, type DefinedError } from 'ajv';
import { resembling } from '../../options.ts';
import { fileSchema } from './schema.ts';
import type { GivenSettings } from './settings.ts';

/** How a source calls what it holds, for messages. */
export interface Source {
  /** What stands before them: the path of a file. */
  readonly where?: string;
  /** A setting by its place: `port`, or `models.resnet50.streams`. */
  readonly nameOf: (path: readonly string[]) => string;
  /** Whether all values are text, as in the environment. */
  readonly isText: boolean;
}

const ajv = new Ajv({ verbose: true, strict: true });
const checkValues = ajv.compile(fileSchema);
const checkTexts = new Ajv({ verbose: true, strict: true, coerceTypes: true }).compile(fileSchema);

/**
 * Checks what a source says by the schema. Texts become numbers where these are meant.
 * @throws Error that names the setting as the source does, what it is, and what it must be; or the name that an unknown one resembles.
 */
export function checkSettings(given: unknown, { where = '', nameOf, isText }: Source): GivenSettings {
  const settings = structuredClone(given);
  const check = isText ? checkTexts : checkValues;
  if (check(settings)) return settings as GivenSettings;
  const [error] = check.errors as DefinedError[];
  const path = error.instancePath.split('/').slice(1).map(unescaped);
  if (error.keyword !== 'additionalProperties')
    throw new Error(
      `${where}${nameOf(path)} must be ${formOf(error.parentSchema ?? {})}, got ${quote(error.data)}`,
    );
  const name = error.params.additionalProperty;
  const known = Object.keys(error.parentSchema?.properties ?? {});
  const meant = resembling(name, known);
  throw new Error(
    `${where}${nameOf([...path, name])} is unknown; ` +
      (meant
        ? `did you mean ${nameOf([...path, meant])}?`
        : `there are ${known.map((each) => nameOf([...path, each])).join(', ')}`),
  );
}

/** Of JSON pointers. */
const unescaped = (part: string) => part.replaceAll('~1', '/').replaceAll('~0', '~');

/** A schema in words. */
function formOf({ type, enum: names, minimum, maximum, minLength }: Record<string, unknown>): string {
  if (Array.isArray(names)) return `one of ${names.join(', ')}`;
  if (type === 'object') return 'settings by their names';
  if (type === 'string') return minLength === undefined ? 'a text' : 'a text that is not empty';
  const number = type === 'integer' ? 'a whole number' : 'a number';
  if (maximum !== undefined) return `${number} from ${minimum} to ${maximum}`;
  return minimum === 1 ? `${number} above 0` : `${number}, not below ${minimum}`;
}

function quote(value: unknown): string {
  const text = JSON.stringify(value);
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}
