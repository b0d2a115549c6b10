import type { TensorMeta } from './node.ts';
import { type Dim, SymInt } from './symbolic.ts';

/** The values that a symbolic size may have, both ends included (PyTorch: `ExportedProgram.range_constraints`). */
export interface SymbolRange {
  readonly min: number;
  /** `Infinity` if there is no upper bound. */
  readonly max: number;
}

/** Ranges by symbol: `s0`. */
export type SymbolRanges = ReadonlyMap<string, SymbolRange>;

/**
 * Rejects an input whose sizes are outside their ranges, by PyTorch's rule (`_check_input_constraints_for_graph`): a
 * lower bound counts only above 2, because export specializes 0 and 1 although the model can compute them.
 * @param input the declared meta and the input's name.
 * @param shape the input's shape, of the declared rank.
 * @param got describes the actual input, for the message.
 * @throws Error that names the input, the dimension, its range and the actual extent.
 */
export function checkRanges(
  input: TensorMeta & { readonly name: string },
  shape: readonly number[],
  ranges: SymbolRanges,
  got: () => string,
): void {
  for (const [axis, dim] of input.shape.entries()) {
    const allowed = outside(dim, shape[axis], ranges);
    if (allowed !== undefined)
      throw new Error(
        `input '${input.name}' must be ${input.dtype}[${input.shape.join(', ')}] with ${dim} (dimension ${axis}) ${allowed}, got ${got()}`,
      );
  }
}

/** What the extent would have to be, or undefined if it is within range. */
function outside(dim: Dim, extent: number, ranges: SymbolRanges): string | undefined {
  const range = dim instanceof SymInt ? ranges.get(String(dim)) : undefined;
  if (!range) return undefined;
  const min = range.min > 2 ? range.min : 0;
  if (extent >= min && extent <= range.max) return undefined;
  if (range.max === Number.POSITIVE_INFINITY) return `at least ${min}`;
  return min === 0 ? `at most ${range.max}` : `from ${min} to ${range.max}`;
}

/** The ranges as JSON data. Infinite bounds are left out. */
export function serializeRanges(ranges: SymbolRanges): Record<string, { min: number; max?: number }> {
  return Object.fromEntries(
    [...ranges].map(([symbol, { min, max }]) => [symbol, Number.isFinite(max) ? { min, max } : { min }]),
  );
}

/**
 * Reads the ranges that {@link serializeRanges} wrote.
 * @throws Error that names the symbol when the data is malformed. The data may come from a hostile file.
 */
export function deserializeRanges(json: unknown): Map<string, SymbolRange> {
  if (!isRecord(json)) throw new Error('ranges must be an object');
  return new Map(Object.entries(json).map(([symbol, range]) => [symbol, rangeOf(symbol, range)]));
}

function rangeOf(symbol: string, json: unknown): SymbolRange {
  const { min, max = Number.POSITIVE_INFINITY } = isRecord(json) ? json : {};
  if (Number.isSafeInteger(min) && (Number.isSafeInteger(max) || max === Number.POSITIVE_INFINITY))
    return { min: min as number, max: max as number };
  throw new Error(`the range of ${symbol} has ends that are no integers`);
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
