import type { Dim, MetaValue, Node, TensorMeta } from '../../../graph/index.ts';
import { isTensorMeta } from '../../../graph/index.ts';
import type { DType, Tensor } from '../../../tensor/index.ts';

/** A tensor that the model computes when it runs. */
export class ComputedValue {
  readonly node: Node;

  constructor(node: Node) {
    this.node = node;
  }

  get dtype(): DType {
    return this.#meta.dtype;
  }

  get shape(): readonly Dim[] {
    return this.#meta.shape;
  }

  get #meta(): TensorMeta {
    const meta: MetaValue | undefined = this.node.meta.val;
    if (!isTensorMeta(meta)) throw new Error(`'${this.node}' is not a tensor`);
    return meta;
  }
}

/** A tensor that is known when the file is read: an initializer, or computed from nothing but these. */
export class ConstantValue {
  readonly tensor: Tensor;
  /** What the file calls it; the path of the attribute that it becomes, if anything computes with it. */
  readonly name: string;

  constructor(tensor: Tensor, name: string) {
    this.tensor = tensor;
    this.name = name;
  }

  get dtype(): DType {
    return this.tensor.dtype;
  }

  get shape(): readonly number[] {
    return this.tensor.shape;
  }
}

/** Whole numbers computed from sizes of the inputs: known when a request arrives, before anything is computed. */
export class SizesValue {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly elements: readonly Dim[];

  constructor(dtype: DType, shape: readonly number[], elements: readonly Dim[]) {
    this.dtype = dtype;
    this.shape = shape;
    this.elements = elements;
  }
}

/** What a name of the file stands for. */
export type OnnxValue = ComputedValue | ConstantValue | SizesValue;

/** For messages: dtype and shape. */
export const describeValue = ({ dtype, shape }: Pick<OnnxValue, 'dtype' | 'shape'>): string =>
  `${dtype}[${shape.join(', ')}]`;
