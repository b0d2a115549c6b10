import type { Dim, SymbolRanges } from '../../../../graph/index.ts';
import type { DType } from '../../../../tensor/index.ts';
import type { Attributes } from '../attributes.ts';
import type { Elements } from './elements.ts';

/** A node of the file all of whose inputs are known, or are sizes. */
export interface FoldCall {
  readonly opset: number;
  readonly attributes: Attributes;
  readonly inputs: readonly (Elements | undefined)[];
  readonly ranges: SymbolRanges;
  /** What `Cast` casts to, where Octavo has that dtype. */
  readonly dtype: DType | undefined;
  /** Tells the graph by which operator on sizes a new size comes about. */
  learn(size: Dim, target: string, args: readonly Dim[]): void;
}

/** The result of a node, or its results; undefined where it cannot be said. */
export type Folder = (call: FoldCall) => Elements | readonly Elements[] | undefined;
