import type { DatasetModel } from '../../lib/data/index.ts';
import { type SymbolRange, SymInt, type TensorInfo } from '../../lib/graph/index.ts';

/** A size that each request chooses. */
export const symbolic = (name: string) => new SymInt([name]);

/** What a dataset sees of a model. */
export const modelOf = (...inputs: readonly TensorInfo[]): DatasetModel => withRanges({}, ...inputs);

/** The same with ranges of sizes. */
export const withRanges = (
  ranges: Readonly<Record<string, SymbolRange>>,
  ...inputs: readonly TensorInfo[]
): DatasetModel => ({ inputs, rangeConstraints: new Map(Object.entries(ranges)) });
