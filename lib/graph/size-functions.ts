import type { SymbolRanges } from './symbol-range.ts';
import {
  addDims,
  type Dim,
  dimsEqual,
  divDims,
  isFoundByValues,
  SymInt,
  subDims,
  sumOf,
  termsOf,
} from './symbolic.ts';
import type { SymFloat } from './symbolic-float.ts';

/**
 * Functions of sizes beyond sums and products. Numbers produce numbers. Symbols produce what their ranges decide, and
 * otherwise a new symbol with PyTorch's text: `(s0//2)`, `Min(8, s0)`.
 */

/** `a // b`, rounded down as in Python. @throws Error when `b` is 0. */
export function floorDivDims(a: Dim, b: Dim): Dim {
  if (b === 0) throw new Error(`size ${a} cannot be divided by 0`);
  if (typeof a === 'number' && typeof b === 'number') return Math.floor(a / b);
  const { whole, rest } = divided(a, b);
  if (typeof rest === 'number' && typeof b === 'number') return addDims(whole, Math.floor(rest / b));
  return addDims(whole, new SymInt([`(${operand(rest)}//${operand(b)})`]));
}

/** `a % b`, with the sign of `b` as in Python. @throws Error when `b` is 0. */
export function modDims(a: Dim, b: Dim): Dim {
  if (b === 0) throw new Error(`size ${a} cannot be divided by 0`);
  if (typeof a === 'number' && typeof b === 'number') return a - b * Math.floor(a / b);
  const { rest } = divided(a, b);
  if (rest === 0) return 0;
  if (typeof rest === 'number' && typeof b === 'number') return modDims(rest, b);
  return new SymInt([`(${operand(rest)} % ${operand(b)})`]);
}

/** The quotient rounded up. */
export const ceilDivDims = (a: Dim, b: Dim): Dim => floorDivDims(addDims(a, b, -1), b);

/** The sum of the terms that `b` divides, divided by `b`, and the sum of the others. */
function divided(a: Dim, b: Dim): { whole: Dim; rest: Dim } {
  let [whole, rest]: [Dim, Dim] = [0, 0];
  for (const term of termsOf(a)) {
    const dim = sumOf([term]);
    try {
      whole = addDims(whole, divDims(dim, b));
    } catch {
      rest = addDims(rest, dim);
    }
  }
  return { whole, rest };
}

/** A real number computed from sizes, without its fraction (`math.trunc`). */
export const truncate = (value: Dim | SymFloat): Dim =>
  typeof value === 'number'
    ? Math.trunc(value)
    : value instanceof SymInt
      ? value
      : new SymInt([`trunc(${value})`]);

/** The lesser of two sizes. */
export const minDims = (a: Dim, b: Dim, ranges: SymbolRanges): Dim =>
  extremum('Min', a, b, isAtMost(a, b, ranges), isAtMost(b, a, ranges));

/** The greater of two sizes. */
export const maxDims = (a: Dim, b: Dim, ranges: SymbolRanges): Dim =>
  extremum('Max', a, b, isAtMost(b, a, ranges), isAtMost(a, b, ranges));

function extremum(name: string, a: Dim, b: Dim, isA: boolean | undefined, isB: boolean | undefined): Dim {
  if (isA) return a;
  if (isB) return b;
  return new SymInt([`${name}(${[a, b].map(String).sort().join(', ')})`]);
}

/**
 * Whether `a <= b`; undefined if the symbols' ranges leave it open. A symbol is at least 2, as in PyTorch's export,
 * which specializes sizes 0 and 1, unless values decide it.
 */
export function isAtMost(a: Dim, b: Dim, ranges: SymbolRanges): boolean | undefined {
  const [least, greatest] = boundsOf(subDims(b, a), ranges);
  if (least >= 0) return true;
  return greatest < 0 ? false : undefined;
}

/** Whether `a == b`; undefined if the symbols' ranges leave it open. */
export function isEqual(a: Dim, b: Dim, ranges: SymbolRanges): boolean | undefined {
  if (dimsEqual(a, b)) return true;
  const [least, greatest] = boundsOf(subDims(b, a), ranges);
  return least > 0 || greatest < 0 ? false : undefined;
}

type Bounds = readonly [least: number, greatest: number];

function boundsOf(dim: Dim, ranges: SymbolRanges): Bounds {
  return termsOf(dim)
    .map(({ symbols, coefficient }) =>
      symbols.map((symbol) => boundsOfSymbol(symbol, ranges)).reduce(multiply, [coefficient, coefficient]),
    )
    .reduce(([a, b], [c, d]) => [a + c, b + d], [0, 0]);
}

function boundsOfSymbol(symbol: string, ranges: SymbolRanges): Bounds {
  // The value of a function of sizes is not bounded here.
  if (!/^\w+$/.test(symbol)) return [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];
  const isFound = isFoundByValues(symbol);
  const { min, max } = ranges.get(symbol) ?? { min: isFound ? 0 : 2, max: Number.POSITIVE_INFINITY };
  // PyTorch, too, writes that there are two boxes or more, and computes with none.
  const least = isFound ? (min > 2 ? min : 0) : Math.max(min, 2);
  return [Math.min(least, max), max];
}

function multiply([a, b]: Bounds, [c, d]: Bounds): Bounds {
  const corners = [a * c, a * d, b * c, b * d].map((corner) => (Number.isNaN(corner) ? 0 : corner));
  return [Math.min(...corners), Math.max(...corners)];
}

const operand = (dim: Dim): string => (termsOf(dim).length > 1 ? `(${dim})` : String(dim));
