import { parseJson } from './parse-json.ts';

/**
 * A position in a JSON document of untrusted shape. Every step checks what it finds, and every error names the position
 * in the document.
 */
export class JsonCursor {
  readonly value: unknown;
  readonly path: string;

  constructor(value: unknown, path = '$') {
    this.value = value;
    this.path = path;
  }

  /**
   * Parses a document as Python's `json` writes it: besides JSON, the bare words `NaN` and `Infinity` are numbers.
   * @param path the name of the document's top in errors.
   * @throws Error when the bytes are not UTF-8 or not JSON.
   */
  static parse(bytes: Uint8Array, path = '$'): JsonCursor {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    return new JsonCursor(parseJson(text.replace(stringOrBareWord, quoteBareWord)), path);
  }

  field(name: string): JsonCursor {
    const record = this.#record();
    if (!Object.hasOwn(record, name)) this.fail(`has no field '${name}'`);
    return new JsonCursor(record[name], `${this.path}.${name}`);
  }

  /** The field, or undefined when it is missing or null. */
  optionalField(name: string): JsonCursor | undefined {
    const record = this.#record();
    if (!Object.hasOwn(record, name) || record[name] === null) return undefined;
    return new JsonCursor(record[name], `${this.path}.${name}`);
  }

  /** The fields of an object, in the document's order. */
  entries(): [string, JsonCursor][] {
    return Object.entries(this.#record()).map(([key, value]) => [
      key,
      new JsonCursor(value, `${this.path}.${key}`),
    ]);
  }

  /** The only field of a tagged union: its name and its value. */
  union(): [string, JsonCursor] {
    const entries = this.entries();
    if (entries.length !== 1) this.fail(`should have exactly one field, but has ${entries.length}`);
    return entries[0];
  }

  items(): JsonCursor[] {
    if (!Array.isArray(this.value)) this.fail('is not a list');
    return (this.value as unknown[]).map((item, i) => new JsonCursor(item, `${this.path}[${i}]`));
  }

  string(): string {
    if (typeof this.value !== 'string') this.fail('is not a string');
    return this.value as string;
  }

  bool(): boolean {
    if (typeof this.value !== 'boolean') this.fail('is not true or false');
    return this.value as boolean;
  }

  integer(): number {
    if (!Number.isInteger(this.value)) this.fail('is not an integer');
    return this.value as number;
  }

  float(): number {
    const word = typeof this.value === 'string' ? bareWords.get(this.value) : undefined;
    const value = word ?? this.value;
    if (typeof value !== 'number') this.fail('is not a number');
    return value as number;
  }

  /** @throws always: an Error that says where in the document `what` was found. */
  fail(what: string): never {
    throw new Error(`${this.path} ${what}`);
  }

  #record(): Record<string, unknown> {
    if (typeof this.value !== 'object' || this.value === null || Array.isArray(this.value))
      this.fail('is not an object');
    return this.value as Record<string, unknown>;
  }
}

const bareWords: ReadonlyMap<string, number> = new Map([
  ['NaN', Number.NaN],
  ['Infinity', Number.POSITIVE_INFINITY],
  ['-Infinity', Number.NEGATIVE_INFINITY],
]);
const stringOrBareWord = /"(?:[^"\\]+|\\.)*"|-?Infinity|NaN/g;

function quoteBareWord(match: string): string {
  return match.startsWith('"') ? match : `"${match}"`;
}
