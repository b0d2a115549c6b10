import type { Dim, Node, TensorMeta } from '../../graph/index.ts';
import type { Value } from '../../nn/index.ts';
import type { DType } from '../../tensor/index.ts';

/** Represents a tensor while a model is traced. It has no elements: reading them throws an Error. */
export class TracedValue implements Value {
  readonly dtype: DType;
  readonly shape: readonly Dim[];
  /** The node that computed the value first; in-place operators may have changed it since (`MemoryTracker.current`). */
  readonly node: Node;

  constructor(node: Node, meta: TensorMeta) {
    this.node = node;
    this.dtype = meta.dtype;
    this.shape = meta.shape;
  }

  /** @throws always. */
  get data(): never {
    return this.#unknown();
  }

  /** @throws always. */
  item(): never {
    return this.#unknown();
  }

  /** @throws always. */
  toArray(): never {
    return this.#unknown();
  }

  /** @throws always: a condition such as `if (x > 0)` would otherwise silently be false. */
  [Symbol.toPrimitive](): never {
    return this.#unknown();
  }

  #unknown(): never {
    throw new Error(
      `the elements of '${this.node.name}' are not known while a model is exported: ` +
        'control flow that depends on them cannot be captured',
    );
  }
}
