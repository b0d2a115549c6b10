import { type Argument, type Dim, dimsEqual, type Node } from '../../graph/index.ts';
import { type Add, metaOf, sizeOf } from './decomposition.ts';

/** A tensor whose extents have names, each once: `b`, `i`, `j` of `bij`. */
export interface Labelled {
  readonly node: Node;
  readonly labels: readonly string[];
}

/** Adds the calls that products of labelled tensors are made of, for one operator. */
export class Contraction {
  readonly #add: Add;
  readonly #operator: string;

  constructor(add: Add, operator: string) {
    this.#add = add;
    this.#operator = operator;
  }

  /** The extents in another order. */
  permuted({ node, labels }: Labelled, order: readonly string[]): Labelled {
    if (String(labels) === String(order)) return { node, labels };
    const axes = order.map((label) => labels.indexOf(label));
    return { node: this.#add('aten.permute.default', node, axes), labels: order };
  }

  /** Added up over the extents of these names. */
  summed(tensor: Labelled, names: readonly string[]): Labelled {
    const { node, labels } = tensor;
    const axes = names.map((label) => labels.indexOf(label));
    if (axes.length === 0) return tensor;
    const rest = labels.filter((label) => !names.includes(label));
    return { node: this.#add('aten.sum.dim_IntList', node, axes), labels: rest };
  }

  /**
   * The product of two tensors, added up over the extents that both have and nobody `needs`. An extent of 1 is broadcast.
   * Extents of one tensor alone that nobody needs are added up first.
   */
  product(a: Labelled, b: Labelled, needs: ReadonlySet<string>): Labelled {
    const isShared = (label: string) => a.labels.includes(label) && b.labels.includes(label);
    const left = this.summed(
      a,
      this.#ones(a, (label) => !isShared(label) && !needs.has(label)),
    );
    const right = this.summed(
      b,
      this.#ones(b, (label) => !isShared(label) && !needs.has(label)),
    );
    const batch = left.labels.filter((label) => isShared(label) && needs.has(label));
    const inner = left.labels.filter((label) => isShared(label) && !needs.has(label));
    const rows = left.labels.filter((label) => !isShared(label));
    const columns = right.labels.filter((label) => !isShared(label));
    if (inner.length === 0) return this.#multiplied(left, right, batch, rows, columns);
    const [l, r] = this.#withEqual(left, right, inner);
    const matrices = [
      this.#matrix(this.permuted(l, [...batch, ...rows, ...inner]), batch.length, rows.length),
      this.#matrix(this.permuted(r, [...batch, ...inner, ...columns]), batch.length, inner.length),
    ];
    const product = this.#product(matrices);
    const split = this.#split(product, batch.length + 1, right, columns);
    return {
      node: this.#split(split, batch.length, left, rows),
      labels: [...batch, ...rows, ...columns],
    };
  }

  /** Products of other dtypes than those of layers are added up element by element. */
  #product([a, b]: readonly Node[]): Node {
    const { dtype } = metaOf(a, this.#operator);
    if (dtype === 'float32' || dtype === 'bfloat16') return this.#add('aten.matmul.default', a, b);
    const wide = [this.#add('aten.unsqueeze.default', a, -1), this.#add('aten.unsqueeze.default', b, -3)];
    return this.#add('aten.sum.dim_IntList', this.#add('aten.mul.Tensor', ...wide), [-2], false, dtype);
  }

  #ones({ labels }: Labelled, is: (label: string) => boolean): string[] {
    return labels.filter(is);
  }

  /** Nothing is added up: element by element. */
  #multiplied(a: Labelled, b: Labelled, batch: string[], rows: string[], columns: string[]): Labelled {
    const labels = [...batch, ...rows, ...columns];
    const spread = (tensor: Labelled, own: readonly string[]) =>
      labels.reduce(
        (node, label, axis) => (own.includes(label) ? node : this.#add('aten.unsqueeze.default', node, axis)),
        this.permuted(tensor, own).node,
      );
    const left = spread(a, [...batch, ...rows]);
    return { node: this.#add('aten.mul.Tensor', left, spread(b, [...batch, ...columns])), labels };
  }

  /** Extents that are added up broadcast as well. */
  #withEqual(a: Labelled, b: Labelled, inner: readonly string[]): [Labelled, Labelled] {
    const dims = (tensor: Labelled) =>
      inner.map((label) => metaOf(tensor.node, this.#operator).shape[tensor.labels.indexOf(label)]);
    const [left, right] = [dims(a), dims(b)];
    const expanded = (tensor: Labelled, own: readonly Dim[], other: Labelled, wanted: readonly Dim[]) => {
      const isOne = (label: string) => {
        const i = inner.indexOf(label);
        return i >= 0 && own[i] === 1 && !dimsEqual(own[i], wanted[i]);
      };
      if (!tensor.labels.some(isOne)) return tensor;
      const sizes = tensor.labels.map((label) =>
        isOne(label) ? sizeOf(this.#add, other.node, other.labels.indexOf(label), this.#operator) : -1,
      );
      return { node: this.#add('aten.expand.default', tensor.node, sizes), labels: tensor.labels };
    };
    return [expanded(a, left, b, right), expanded(b, right, a, left)];
  }

  /** `[batch..., first..., second...]` as `[batch..., first, second]`. */
  #matrix({ node, labels }: Labelled, batch: number, first: number): Node {
    const second = labels.length - batch - first;
    return this.#joined(this.#joined(node, batch + first, second), batch, first);
  }

  #joined(node: Node, start: number, count: number): Node {
    if (count === 1) return node;
    if (count === 0) return this.#add('aten.unsqueeze.default', node, start);
    return this.#add('aten.flatten.using_ints', node, start, start + count - 1);
  }

  /** One extent as those of these names, in the sizes that `like` has. */
  #split(node: Node, axis: number, like: Labelled, names: readonly string[]): Node {
    if (names.length === 1) return node;
    if (names.length === 0) return this.#add('aten.squeeze.dim', node, axis);
    const axes = names.map((label) => like.labels.indexOf(label));
    const { shape } = metaOf(like.node, this.#operator);
    const isSymbolic = (at: number) => typeof shape[at] !== 'number';
    const only = axes.filter(isSymbolic).length === 1;
    const sizes = axes.map(
      (at): Argument => (only && isSymbolic(at) ? -1 : sizeOf(this.#add, like.node, at, this.#operator)),
    );
    return this.#add('aten.unflatten.int', node, axis, sizes);
  }
}
