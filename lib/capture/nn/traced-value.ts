import type { Dim, Node, TensorMeta } from '../../graph/index.ts';
import type { Value } from '../../nn/index.ts';
import type { DType } from '../../tensor/index.ts';

/** What stands for a tensor while a model is traced. Its elements do not exist: asking for them is an Error. */
export class TracedValue implements Value {
  readonly dtype: DType;
  readonly shape: readonly Dim[];
  /** Where the value is now: an in-place operator moves it to its result. */
  node: Node;

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

  /** @throws always, for `if (x > 0)` and the like would otherwise quietly be false. */
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
