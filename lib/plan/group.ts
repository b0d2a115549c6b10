import { DisjointSet } from '../graph/index.ts';

/** Values that share one memory order, because steps that do not change it connect them. */
export class Group extends DisjointSet {
  /** A convolution or the like reads or writes one of them. */
  spatial = false;
  /** Something reads or wants one of them row-major. */
  rowMajor = false;
}
