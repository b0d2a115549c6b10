import type { WeightFacts } from './facts.ts';

/** One column of a drawing of channels: a channel, or neighbours together. */
export interface ChannelColumn {
  /** The first of them. */
  readonly channel: number;
  readonly low: number;
  readonly high: number;
}

/** The ranges of a weight's channels in at most so many columns: an embedding has more rows than a screen pixels. */
export function channelColumns({ min, max }: WeightFacts, most: number): ChannelColumn[] {
  const count = Math.min(min.length, most);
  const start = (column: number) => Math.floor((column * min.length) / count);
  return Array.from({ length: count }, (_, column) => ({
    channel: start(column),
    low: least(min.slice(start(column), start(column + 1))),
    high: largest(max.slice(start(column), start(column + 1))),
  }));
}

/** The smallest and the largest of all weights. */
export const extentOf = ({ min, max }: WeightFacts): { readonly low: number; readonly high: number } => ({
  low: least(min),
  high: largest(max),
});

// Not by spreading, which takes no more arguments than the stack has room for.
const least = (values: readonly number[]) => values.reduce((found, value) => Math.min(found, value));
const largest = (values: readonly number[]) => values.reduce((found, value) => Math.max(found, value));
