import type { StridedLike, StridedView, TensorLike } from '../aten/index.ts';
import type { DType, Tensor, TensorData } from '../tensor/index.ts';

/** The origin of a value. */
export type Origin =
  | { readonly kind: 'input'; readonly index: number }
  | { readonly kind: 'constant'; readonly tensor: Tensor }
  /** Written by a step. */
  | { readonly kind: 'computed' }
  /** Another value's elements, in row-major order, under this value's shape. */
  | { readonly kind: 'view'; readonly of: Value }
  /** Another value's elements under other strides. */
  | { readonly kind: 'strided'; readonly of: Value; readonly view: (input: StridedLike) => StridedView };

/** A tensor of the program: dtype and shape, not yet a place or a memory order. */
export class Value implements TensorLike {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly origin: Origin;

  constructor(name: string, dtype: DType, shape: readonly number[], origin: Origin) {
    this.name = name;
    this.dtype = dtype;
    this.shape = shape;
    this.origin = origin;
  }

  /** A constant's elements; undefined for what is known only at run time. */
  get data(): TensorData | undefined {
    return this.origin.kind === 'constant' ? this.origin.tensor.data : undefined;
  }
}
