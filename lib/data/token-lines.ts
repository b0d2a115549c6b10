import { openFile } from '../formats/open-file.ts';
import { parseJson } from '../formats/parse-json.ts';
import { type DType, integerRange } from '../tensor/index.ts';
import { type InputList, type Matched, matchNames } from './model-inputs.ts';

/** One line: a list for each input, all of one length. */
export interface TokenLine {
  /** Counted from 1. */
  readonly line: number;
  readonly length: number;
  /** By the names of the model's inputs. */
  readonly lists: Readonly<Record<string, readonly number[]>>;
  readonly label: number | undefined;
}

/** Whether an input's elements can be written as whole numbers. */
export const holdsTokens = (dtype: DType) =>
  integerRange(dtype) !== undefined || dtype === 'int64' || dtype === 'bool' || dtype === 'float32';

/**
 * The lines of a file of JSON objects, one after the other; empty lines are skipped.
 * @throws Error that names the path, the line, and the field that is not a list of whole numbers, has another length than the
 * others, or is not an input.
 */
export async function* tokenLines(path: string, inputs: InputList): AsyncGenerator<TokenLine> {
  const file = await openFile(path);
  try {
    let line = 0;
    let isLabelled: boolean | undefined;
    for await (const text of file.readLines({ autoClose: false })) {
      line++;
      if (text.trim() === '') continue;
      const where = `${path}, line ${line}`;
      const fields = parse(text, where);
      const matched = matchNames(Object.keys(fields), inputs, where);
      const label = labelOf(fields, matched.labels, where);
      isLabelled ??= label !== undefined;
      if (isLabelled !== (label !== undefined))
        throw new Error(`${where}: there is ${isLabelled ? 'no' : 'a'} label, unlike in the lines before`);
      yield { line, label, ...listsOf(fields, matched, where) };
    }
  } finally {
    await file.close();
  }
}

function parse(text: string, where: string): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = parseJson(text);
  } catch (error) {
    throw new Error(`${where} is not JSON: ${(error as Error).message}`, { cause: error });
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value))
    return value as Readonly<Record<string, unknown>>;
  throw new Error(`${where} must be an object such as {"input_ids": [101, 102], "attention_mask": [1, 1]}`);
}

function labelOf(
  fields: Readonly<Record<string, unknown>>,
  name: string | undefined,
  where: string,
): number | undefined {
  if (name === undefined) return undefined;
  const label = fields[name];
  if (Number.isSafeInteger(label)) return label as number;
  throw new Error(`${where}: '${name}' must be the number of the class, got ${JSON.stringify(label)}`);
}

function listsOf(
  fields: Readonly<Record<string, unknown>>,
  { inputs }: Matched,
  where: string,
): Pick<TokenLine, 'lists' | 'length'> {
  const lists: Record<string, readonly number[]> = {};
  for (const { name, stored, dtype } of inputs) {
    const list = fields[stored];
    if (!Array.isArray(list) || list.length === 0)
      throw new Error(`${where}: '${stored}' must be a list of numbers, not an empty one`);
    const wrong = list.find((value) => !fits(dtype, value));
    if (wrong !== undefined)
      throw new Error(
        `${where}: '${stored}' holds ${JSON.stringify(wrong)}, which is not a number of ${dtype}`,
      );
    lists[name] = list;
  }
  const [first, ...others] = inputs;
  const { length } = lists[first.name];
  const other = others.find(({ name }) => lists[name].length !== length);
  if (other)
    throw new Error(
      `${where}: '${other.stored}' has ${lists[other.name].length} numbers, '${first.stored}' has ${length}`,
    );
  return { lists, length };
}

function fits(dtype: DType, value: unknown): boolean {
  if (dtype === 'float32') return Number.isFinite(value);
  if (!Number.isSafeInteger(value)) return false;
  const { min, max } = dtype === 'bool' ? { min: 0, max: 1 } : (integerRange(dtype) ?? anyInteger);
  return (value as number) >= min && (value as number) <= max;
}

const anyInteger = { min: Number.MIN_SAFE_INTEGER, max: Number.MAX_SAFE_INTEGER };
