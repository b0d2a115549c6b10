/** Union-find: all sets that were joined share one root, which identifies the merged set. */
export class DisjointSet {
  #parent: this | undefined;

  get root(): this {
    let root = this;
    while (root.#parent) root = root.#parent;
    if (root !== this) this.#parent = root;
    return root;
  }

  /** Merges this set with another. Both then share the other's root. */
  join(other: this): void {
    const [from, into] = [this.root, other.root];
    if (from !== into) from.#parent = into;
  }
}
