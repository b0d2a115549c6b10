/**
 * A size known only when a request arrives: `coefficient * symbol * ...`. PyTorch's SymInt restricted to monomials,
 * which is what batch sizes give once they have passed views and flattens.
 */
export class SymInt {
  readonly coefficient: number;
  readonly symbols: readonly string[];

  constructor(symbols: readonly string[], coefficient = 1) {
    this.symbols = [...symbols].sort();
    this.coefficient = coefficient;
  }

  /**
   * Text where text is asked for.
   * @throws Error where a number is: a comparison such as `size > 1` would otherwise quietly be false.
   */
  [Symbol.toPrimitive](hint: string): string {
    if (hint === 'number')
      throw new Error(
        `the size ${this} is known only when a request arrives: nothing can depend on its value`,
      );
    return this.toString();
  }

  toString(): string {
    const factors = this.coefficient === 1 ? [] : [String(this.coefficient)];
    return [...factors, ...this.symbols].join('*');
  }
}

/** One extent of a shape: a number, or a symbol such as the batch size `s0`. */
export type Dim = number | SymInt;

const parts = (dim: Dim): SymInt => (typeof dim === 'number' ? new SymInt([], dim) : dim);
const simplify = (dim: SymInt): Dim =>
  dim.symbols.length === 0 || dim.coefficient === 0 ? dim.coefficient : dim;

/** Product of extents. */
export function mulDims(...dims: readonly Dim[]): Dim {
  return simplify(
    dims
      .map(parts)
      .reduce((a, b) => new SymInt([...a.symbols, ...b.symbols], a.coefficient * b.coefficient), parts(1)),
  );
}

/**
 * Exact quotient of extents.
 * @throws Error when the division leaves a remainder or symbols that do not cancel.
 */
export function divDims(a: Dim, b: Dim): Dim {
  const [x, y] = [parts(a), parts(b)];
  const rest = [...x.symbols];
  for (const symbol of y.symbols) {
    const at = rest.indexOf(symbol);
    if (at < 0) throw new Error(`symbolic size ${a} cannot be divided by ${b}`);
    rest.splice(at, 1);
  }
  const quotient = x.coefficient / y.coefficient;
  if (!Number.isInteger(quotient)) throw new Error(`size ${a} is not a multiple of ${b}`);
  return simplify(new SymInt(rest, quotient));
}

/**
 * Sum of extents.
 * @throws Error when different symbols would have to be added: such a size is not a monomial.
 */
export function addDims(a: Dim, b: Dim): Dim {
  if (a === 0) return b;
  if (b === 0) return a;
  const [x, y] = [parts(a), parts(b)];
  if (x.symbols.join() !== y.symbols.join())
    throw new Error(`sum of the symbolic sizes ${a} and ${b} is not supported; export with that size fixed`);
  return simplify(new SymInt(x.symbols, x.coefficient + y.coefficient));
}

/** Whether two extents are the same number or the same expression. */
export function dimsEqual(a: Dim, b: Dim): boolean {
  return String(a) === String(b);
}

/**
 * The extent as a number.
 * @throws Error when it is symbolic: `what` says which operator needed a number.
 */
export function staticDim(dim: Dim, what: string): number {
  if (typeof dim === 'number') return dim;
  throw new Error(`${what} needs a size known at export, but it is the symbol ${dim}`);
}
