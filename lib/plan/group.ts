/** A set that others may be joined to (union-find): all of those share one root, which stands for them. */
export class DisjointSet {
  parent: this | undefined;

  get root(): this {
    let set = this;
    while (set.parent) set = set.parent;
    return set;
  }
}

/** Values that share one memory order, because steps that do not change it connect them. */
export class Group extends DisjointSet {
  /** A convolution or a similar step reads or writes one of them. */
  spatial = false;
  /** A step reads or needs one of them row-major. */
  rowMajor = false;
}
