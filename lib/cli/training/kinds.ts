/** What a setting can be, whether it comes as text or from JSON. */
export interface Kind {
  /** Text as a value; one that is not accepted if the text means nothing. */
  readonly parse: (text: string) => unknown;
  readonly accepts: (value: unknown) => boolean;
  /** What it must be, for messages. */
  readonly must: string;
}

const number = (must: string, isRight: (value: number) => boolean): Kind => ({
  parse: (text) => (text.trim() === '' ? Number.NaN : Number(text)),
  accepts: (value) => Number.isFinite(value) && isRight(value as number),
  must,
});

export const kinds = {
  text: {
    parse: (text) => text,
    accepts: (value) => typeof value === 'string' && value !== '',
    must: 'a text that is not empty',
  },
  flag: {
    parse: (text) => text === 'true',
    accepts: (value) => typeof value === 'boolean',
    must: 'true or false',
  },
  count: number('a whole number above 0', (value) => Number.isSafeInteger(value) && value > 0),
  whole: number('a whole number, 0 or more', (value) => Number.isSafeInteger(value) && value >= 0),
  bits: number(
    'a whole number from 2 to 8',
    (value) => Number.isSafeInteger(value) && value >= 2 && value <= 8,
  ),
  positive: number('a number above 0', (value) => value > 0),
  notNegative: number('a number, 0 or more', (value) => value >= 0),
  fraction: number('a number from 0 to 1', (value) => value >= 0 && value <= 1),
} as const satisfies Record<string, Kind>;

export const oneOf = (...names: readonly string[]): Kind => ({
  parse: (text) => text,
  accepts: (value) => names.includes(value as string),
  must: `one of ${names.join(', ')}`,
});
