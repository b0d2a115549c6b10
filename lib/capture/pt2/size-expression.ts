import {
  addDims,
  type Dim,
  floorDivDims,
  maxDims,
  minDims,
  modDims,
  mulDims,
  type SymbolRanges,
  SymFloat,
  SymInt,
  truncate,
} from '../../graph/index.ts';

type SizeFunction = (sizes: readonly Dim[], ranges: SymbolRanges) => Dim;

const binary =
  (rule: (a: Dim, b: Dim, ranges: SymbolRanges) => Dim): SizeFunction =>
  ([first, ...others], ranges) =>
    others.reduce((a, b) => rule(a, b, ranges), first);

/** SymPy's functions, and those that PyTorch adds to them (`torch/utils/_sympy/functions.py`). */
const functions: Readonly<Record<string, SizeFunction>> = {
  Add: (sizes) => addDims(...sizes),
  Mul: (sizes) => mulDims(...sizes),
  Pow: ([base, exponent]) => {
    if (typeof exponent !== 'number' || exponent < 0) throw new Error(`the power ${exponent} of a size`);
    return mulDims(...Array<Dim>(exponent).fill(base));
  },
  FloorDiv: binary(floorDivDims),
  CleanDiv: binary(floorDivDims),
  Mod: binary(modDims),
  PythonMod: binary(modDims),
  Max: binary(maxDims),
  Min: binary(minDims),
};

/**
 * Parses a symbolic size as PyTorch writes it, in SymPy's `srepr`: `Symbol('s0', positive=True, integer=True)`,
 * `Integer(4)`, and functions of these, such as `Add(Integer(-1), Symbol(...))`.
 * @param ranges ranges of the symbols; they may decide `Max` and `Min`.
 * @throws Error for any other expression, such as one of real numbers.
 */
export function parseSizeExpression(text: string, ranges: SymbolRanges): Dim {
  const symbol = /^Symbol\('(\w+)'(?:,[^()]*)?\)$/.exec(text);
  if (symbol) return new SymInt([symbol[1]]);
  const integer = /^Integer\((-?\d+)\)$/.exec(text);
  if (integer) return Number(integer[1]);
  const call = callIn(text);
  if (call?.[1] === 'TruncToInt') return truncate(new SymFloat(realText(call[2], ranges)));
  if (!call || !Object.hasOwn(functions, call[1]))
    throw new Error(
      `the size '${text}' is not of a kind that is supported; export with fewer dynamic dimensions (the batch alone is best)`,
    );
  const sizes = splitArguments(call[2]).map((argument) => parseSizeExpression(argument, ranges));
  return functions[call[1]](sizes, ranges);
}

const callIn = (text: string) => /^(\w+)\((.+)\)$/s.exec(text);

/** How real numbers in sizes are computed: in Python's order, by its precedence. */
const realOperators: Readonly<Record<string, string>> = {
  Add: ' + ',
  Mul: '*',
  IntTrueDiv: ' / ',
  FloatTrueDiv: ' / ',
};

/** A real number computed from sizes, such as `0.5*s0`. */
function realText(text: string, ranges: SymbolRanges): string {
  const [, name, list] = callIn(text) ?? [];
  if (name === 'Float') return String(Number(/^'([^']+)'/.exec(list)?.[1]));
  if (name === 'ToFloat') return String(parseSizeExpression(list, ranges));
  if (!Object.hasOwn(realOperators, name ?? '')) return String(parseSizeExpression(text, ranges));
  const operands = splitArguments(list).map((operand) => realText(operand, ranges));
  return name === 'Mul' ? operands.join('*') : `(${operands.join(realOperators[name])})`;
}

/** Splits at the commas outside parentheses. */
function splitArguments(list: string): string[] {
  const items: string[] = [];
  let depth = 0;
  let begin = 0;
  for (let i = 0; i <= list.length; i++) {
    if (list[i] === '(') depth++;
    else if (list[i] === ')') depth--;
    else if (i === list.length || (list[i] === ',' && depth === 0)) {
      items.push(list.slice(begin, i).trim());
      begin = i + 1;
    }
  }
  return items;
}
