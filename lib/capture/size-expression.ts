import { type Dim, mulDims, SymInt } from '../graph/index.ts';

/**
 * Reads a symbolic size as PyTorch writes SymPy's: `Symbol('s0', positive=True, integer=True)`, `Integer(4)`, and
 * products `Mul(Integer(4), Symbol(...))`.
 * @throws Error for any other expression: only products of a number and symbols can stand for a size in Octavo.
 */
export function parseSizeExpression(text: string): Dim {
  const symbol = /^Symbol\('(\w+)'(?:,[^()]*)?\)$/.exec(text);
  if (symbol) return new SymInt([symbol[1]]);
  const integer = /^Integer\((-?\d+)\)$/.exec(text);
  if (integer) return Number(integer[1]);
  const product = /^Mul\((.*)\)$/s.exec(text);
  if (product) return mulDims(...splitArguments(product[1]).map(parseSizeExpression));
  throw new Error(
    `the size '${text}' is not a product of symbols; export with fewer dynamic dimensions (the batch alone is best)`,
  );
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
