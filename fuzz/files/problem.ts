import type { Problem } from '../kind.ts';

/** A damaged file. */
export interface FileProblem extends Problem {
  readonly variant: 'octavo' | 'packed' | 'pt2' | 'rooted' | 'raw' | 'npz';
  readonly bytes: Uint8Array;
  /** What was done to it. */
  readonly change: string;
}

/** A change to a file's parts, in a few words. */
export interface Change<T> {
  readonly what: string;
  readonly value: T;
}
