import { DisjointSet } from '../../graph/index.ts';

/** Values that share one memory order because they are connected by steps that preserve it. */
export class Group extends DisjointSet {
  /** A convolution or a similar step reads or writes one of them. */
  spatial = false;
  /** A step reads or needs one of them row-major. */
  rowMajor = false;
}
