/** One summand of a symbolic size: `coefficient * symbol * ...`. The constant term has no symbols. */
export interface SymTerm {
  /** Sorted. A function of sizes, such as `(s0//2)`, counts as a symbol. */
  readonly symbols: readonly string[];
  readonly coefficient: number;
}

/**
 * A size known only when a request arrives: a sum of products of symbols, such as `s1 - 1` (counterpart:
 * `torch.SymInt`). Two sizes are equal when their texts are.
 */
export class SymInt {
  /** By descending degree, the constant last. */
  readonly terms: readonly SymTerm[];

  /** `coefficient * symbol * ...`, plus further terms. `addDims` and the other functions sort the terms. */
  constructor(symbols: readonly string[], coefficient = 1, ...further: readonly SymTerm[]) {
    this.terms = [{ symbols: [...symbols].sort(), coefficient }, ...further];
  }

  /** Whether the size depends on `symbol`. */
  mentions(symbol: string): boolean {
    const word = new RegExp(`\\b${symbol}\\b`);
    return this.terms.some(({ symbols }) => symbols.some((factor) => word.test(factor)));
  }

  /**
   * Converts to text only.
   * @throws Error on conversion to a number: a comparison such as `size > 1` would otherwise silently be false.
   */
  [Symbol.toPrimitive](hint: string): string {
    if (hint === 'number')
      throw new Error(
        `the size ${this} is known only when a request arrives: nothing can depend on its value`,
      );
    return this.toString();
  }

  toString(): string {
    return this.terms
      .map(({ symbols, coefficient }, i) => {
        const sign = coefficient < 0 ? (i === 0 ? '-' : ' - ') : i === 0 ? '' : ' + ';
        const size = Math.abs(coefficient);
        const factors = size === 1 && symbols.length > 0 ? symbols : [size, ...symbols];
        return sign + factors.join('*');
      })
      .join('');
  }
}

/** One extent of a shape: a number, or a symbol such as the batch size `s0`. */
export type Dim = number | SymInt;

/**
 * Whether values decide a symbol, not the sizes of a request: `u0` as in PyTorch, which calls it unbacked, or `u_nonzero`, after
 * the node that finds it.
 */
export const isFoundByValues = (symbol: string): boolean => /^u(\d|_)/.test(symbol);

/** Whether an extent depends on such a symbol. */
export const dependsOnValues = (dim: Dim): boolean =>
  termsOf(dim).some(({ symbols }) => symbols.some((factor) => factor.match(/\w+/g)?.some(isFoundByValues)));

/** The terms of an extent. A number is one constant term. */
export const termsOf = (dim: Dim): readonly SymTerm[] =>
  typeof dim !== 'number' ? dim.terms : dim === 0 ? [] : [{ symbols: [], coefficient: dim }];

/** Higher degrees first, then by name: products keep this order, and long division needs it. */
function compareTerms({ symbols: a }: SymTerm, { symbols: b }: SymTerm): number {
  if (a.length !== b.length) return b.length - a.length;
  const at = a.findIndex((symbol, i) => symbol !== b[i]);
  return at < 0 ? 0 : a[at] < b[at] ? -1 : 1;
}

/** The size that is the sum of the terms. */
export function sumOf(terms: readonly SymTerm[]): Dim {
  const byFactors = new Map<string, SymTerm>();
  for (const { symbols, coefficient } of terms) {
    const key = symbols.join('*');
    byFactors.set(key, { symbols, coefficient: coefficient + (byFactors.get(key)?.coefficient ?? 0) });
  }
  const [first, ...further] = [...byFactors.values()]
    .filter(({ coefficient }) => coefficient !== 0)
    .sort(compareTerms);
  if (!first) return 0;
  return first.symbols.length === 0
    ? first.coefficient
    : new SymInt(first.symbols, first.coefficient, ...further);
}

function productOf(a: SymTerm, b: SymTerm): SymTerm {
  return { symbols: [...a.symbols, ...b.symbols].sort(), coefficient: a.coefficient * b.coefficient };
}

/** Product of extents. */
export function mulDims(...dims: readonly Dim[]): Dim {
  return dims.reduce((a, b) => sumOf(termsOf(a).flatMap((x) => termsOf(b).map((y) => productOf(x, y)))), 1);
}

/** Sum of extents. */
export function addDims(...dims: readonly Dim[]): Dim {
  return sumOf(dims.flatMap(termsOf));
}

/** Difference of extents. */
export function subDims(a: Dim, b: Dim): Dim {
  return addDims(a, mulDims(-1, b));
}

/**
 * Exact quotient of extents.
 * @throws Error when the division leaves a remainder or symbols that do not cancel.
 */
export function divDims(a: Dim, b: Dim): Dim {
  const [divisor] = termsOf(b);
  if (!divisor) throw new Error(`size ${a} cannot be divided by 0`);
  let [quotient, rest]: [Dim, Dim] = [0, a];
  while (rest !== 0) {
    const term = sumOf([quotientOf(termsOf(rest)[0], divisor, a, b)]);
    quotient = addDims(quotient, term);
    rest = subDims(rest, mulDims(term, b));
  }
  return quotient;
}

function quotientOf(term: SymTerm, by: SymTerm, a: Dim, b: Dim): SymTerm {
  const symbols = [...term.symbols];
  for (const symbol of by.symbols) {
    const at = symbols.indexOf(symbol);
    if (at < 0) throw new Error(`symbolic size ${a} cannot be divided by ${b}`);
    symbols.splice(at, 1);
  }
  const coefficient = term.coefficient / by.coefficient;
  if (!Number.isInteger(coefficient)) throw new Error(`size ${a} is not a multiple of ${b}`);
  return { symbols, coefficient };
}

/** Whether two extents are the same number or the same expression. */
export function dimsEqual(a: Dim, b: Dim): boolean {
  return String(a) === String(b);
}

/**
 * The extent as a number.
 * @param what the operator that needs a number, for the message.
 * @throws Error when the extent is symbolic.
 */
export function staticDim(dim: Dim, what: string): number {
  if (typeof dim === 'number') return dim;
  throw new Error(`${what} needs a size known at export, but it is the symbol ${dim}`);
}
