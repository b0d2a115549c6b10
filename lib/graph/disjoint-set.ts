/** A set that others are joined to (union-find): all that were joined share one root, which stands for them. */
export class DisjointSet {
  #parent: this | undefined;

  get root(): this {
    let root = this;
    while (root.#parent) root = root.#parent;
    if (root !== this) this.#parent = root;
    return root;
  }

  /** Joins this set to another, whose root then stands for both. */
  join(other: this): void {
    const [from, into] = [this.root, other.root];
    if (from !== into) from.#parent = into;
  }
}
