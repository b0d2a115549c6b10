/** The types in PyTorch operator schemas, as far as Octavo's operators need them. */
export type SchemaType =
  | 'Tensor'
  | 'Tensor[]'
  | 'int'
  | 'int[]'
  | 'float'
  | 'float[]'
  | 'bool'
  | 'str'
  | 'ScalarType'
  | 'Scalar'
  | 'Scalar[]'
  | 'MemoryFormat'
  | 'Layout'
  | 'Device';

/** One argument in an operator's schema. */
export interface SchemaArgument {
  readonly name: string;
  readonly type: SchemaType;
  readonly optional: boolean;
  /** For `int[2]`: a single number is repeated this often. */
  readonly length?: number;
  readonly keywordOnly: boolean;
  readonly defaultValue?: number | string | boolean | null | readonly number[];
}

/** What PyTorch's `native_functions.yaml` says of an operator. */
export interface Schema {
  /** The name that nodes use: `aten.conv2d.default`. */
  readonly name: string;
  readonly arguments: readonly SchemaArgument[];
  /** Number of results. */
  readonly returns: number;
  /** Whether alias marks say that the result is in its first argument's memory: `view(Tensor(a) self, …) -> Tensor(a)`. */
  readonly sharesMemory: boolean;
}

/** The operator's name and everything before its arguments. */
const heading = /^\s*(\w+)::(\w+)(?:\.(\w+))?\(/;

/** Functions of these modules have no overloads: `operator.mul`, `torch.sym_max`. */
const pythonModules: ReadonlySet<string> = new Set(['math', 'operator', 'torch']);

/** The name that nodes use for a schema's operator, read without parsing the rest: `aten.conv2d.default`. */
export function operatorName(schema: string): string {
  const match = heading.exec(schema);
  if (!match) throw new Error(`operator schema '${schema}' cannot be read`);
  const [, namespace, operator, overload = 'default'] = match;
  return pythonModules.has(namespace) ? `${namespace}.${operator}` : `${namespace}.${operator}.${overload}`;
}

/**
 * Parses a schema in the notation of PyTorch's `native_functions.yaml`:
 * `aten::add.Tensor(Tensor self, Tensor other, *, Scalar alpha=1) -> Tensor`. SymInt reads as int; of the alias
 * marks only {@link Schema.sharesMemory} remains.
 */
export function parseSchema(text: string): Schema {
  const name = operatorName(text);
  const match = /^\((.*)\)\s*->\s*(.+)$/s.exec(text.slice(text.indexOf('(')).trim());
  if (!match) throw new Error(`operator schema '${text}' cannot be read`);
  const [, list, result] = match;
  let keywordOnly = false;
  const parsed: SchemaArgument[] = [];
  for (const item of splitTopLevel(list)) {
    if (item === '*') keywordOnly = true;
    else parsed.push(parseArgument(item, keywordOnly, text));
  }
  const returns = result.trim().startsWith('(') ? splitTopLevel(result.trim().slice(1, -1)).length : 1;
  const sharesMemory = [list, result].every((part) => /^\w+\(a\b/.test(part.trim()));
  return { name, arguments: parsed, returns, sharesMemory };
}

function splitTopLevel(list: string): string[] {
  const items: string[] = [];
  let depth = 0;
  let current = '';
  for (const c of list) {
    if ('([{'.includes(c)) depth++;
    if (')]}'.includes(c)) depth--;
    if (c === ',' && depth === 0) {
      items.push(current.trim());
      current = '';
    } else current += c;
  }
  if (current.trim()) items.push(current.trim());
  return items;
}

function parseArgument(item: string, keywordOnly: boolean, schema: string): SchemaArgument {
  const match = /^(SymInt|\w+)(\([a-z]!?(?: -> \*)?\))?(\?)?(\[(\d*)\])?(\?)?\s+(\w+)(?:\s*=\s*(.+))?$/.exec(
    item,
  );
  if (!match) throw new Error(`argument '${item}' of operator schema '${schema}' cannot be read`);
  const [, base, , innerOptional, list, length, outerOptional, name, defaultText] = match;
  const type = `${base === 'SymInt' ? 'int' : base}${list ? '[]' : ''}` as SchemaType;
  return {
    name,
    type,
    optional: Boolean(innerOptional || outerOptional),
    keywordOnly,
    ...(length ? { length: Number(length) } : {}),
    ...(defaultText === undefined ? {} : { defaultValue: parseDefault(defaultText, type) }),
  };
}

function parseDefault(text: string, type: SchemaType): NonNullable<SchemaArgument['defaultValue']> | null {
  if (text === 'None') return null;
  if (text === 'True' || text === 'False') return text === 'True';
  if (/^-?[\d.]+(e[+-]?\d+)?$/.test(text)) return Number(text);
  if (text.startsWith('['))
    return text
      .slice(1, -1)
      .split(',')
      .filter((part) => part.trim() !== '')
      .map(Number);
  if (type === 'str') return text.replace(/^["']|["']$/g, '');
  return text;
}
