import type { DType } from '../tensor/index.ts';
import { GET_ITEM } from './get-item.ts';
import type { Graph } from './graph.ts';
import type { TensorMeta } from './node.ts';
import type { SymbolRanges } from './symbol-range.ts';
import { isFoundByValues } from './symbolic.ts';

/** What a model file is and holds, in any format: all that can be told without its weights. */
export interface ModelDescription {
  /** The format, and which layout of it. */
  readonly format: string;
  /** Of the format or its schema. */
  readonly version: string;
  /** The program that wrote the file, as far as it says. */
  readonly writer: string;
  /** One, but for archives that hold several. */
  readonly programs: readonly ProgramDescription[];
}

/** One program of a model file. */
export interface ProgramDescription {
  readonly name: string;
  readonly inputs: readonly ValueDescription[];
  readonly outputs: readonly ValueDescription[];
  /** Those called most come first. */
  readonly operators: readonly OperatorCount[];
  /** Parameters, buffers and constants that the program names, by element type. */
  readonly weights: readonly WeightTotal[];
  /** What else a user should know: ranges of sizes, modes. */
  readonly remarks: readonly string[];
}

/** An input or output. */
export interface ValueDescription {
  readonly name: string;
  readonly dtype: string;
  /** Numbers, and expressions of sizes that a request chooses. */
  readonly shape: readonly (number | string)[];
}

/** Describes one whose sizes are numbers or expressions. */
export const describeTensor = (name: string, { dtype, shape }: TensorMeta): ValueDescription => ({
  name,
  dtype,
  shape: shape.map((size) => (typeof size === 'number' ? size : String(size))),
});

/** How often a program calls an operator. */
export interface OperatorCount {
  readonly target: string;
  readonly count: number;
  readonly isSupported: boolean;
}

/** All weights of one element type. */
export interface WeightTotal {
  readonly dtype: DType;
  readonly tensors: number;
  readonly bytes: number;
}

/** Counts calls by operator; the most frequent operators come first. */
export function countOperators(
  targets: Iterable<string>,
  isSupported: (target: string) => boolean,
): OperatorCount[] {
  return [...countsOf(targets)]
    .sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1))
    .map(([target, count]) => ({ target, count, isSupported: isSupported(target) }));
}

/** The operators that a graph calls, with their counts, for messages: `aten.conv2d.default (2), aten.relu.default (1)`. */
export function describeOperators(graph: Graph): string {
  const counts = countsOf(calledOperators(graph));
  return [...counts].map(([target, count]) => `${target} (${count})`).join(', ') || 'no operators';
}

/** The operator of each call of a graph. */
export function calledOperators({ nodes }: Graph): string[] {
  return nodes.flatMap(({ op, target }) => (op === 'call_function' && target !== GET_ITEM ? [target] : []));
}

function countsOf(targets: Iterable<string>): Map<string, number> {
  const counts = new Map<string, number>();
  for (const target of targets) counts.set(target, (counts.get(target) ?? 0) + 1);
  return counts;
}

/** Adds up weights by element type. */
export function totalWeights(
  weights: Iterable<{ readonly dtype: DType; readonly byteLength: number }>,
): WeightTotal[] {
  const totals = new Map<DType, WeightTotal>();
  for (const { dtype, byteLength } of weights) {
    const { tensors, bytes } = totals.get(dtype) ?? { tensors: 0, bytes: 0 };
    totals.set(dtype, { dtype, tensors: tensors + 1, bytes: bytes + byteLength });
  }
  return [...totals.values()].sort((a, b) => b.bytes - a.bytes);
}

/** Ranges of sizes as remarks. */
export function describeRanges(ranges: SymbolRanges): string[] {
  return [...ranges].map(([symbol, { min, max }]) => {
    const isFound = isFoundByValues(symbol);
    // PyTorch writes that two or more are left; a model computes with fewer as well.
    const least = isFound && min <= 2 ? 0 : min;
    const range = max === Number.POSITIVE_INFINITY ? `${least} or more` : `from ${least} to ${max}`;
    return `the size ${symbol} is ${range}${isFound ? ', which values decide' : ''}`;
  });
}
