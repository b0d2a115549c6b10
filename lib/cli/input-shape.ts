import type { TensorMeta } from '../graph/index.ts';

/** An input's shape for a batch size. What else the model leaves open is as large: nothing says which size is the batch. */
export function inputShape({ shape }: Pick<TensorMeta, 'shape'>, batch: number): readonly number[] {
  return shape.map((size) => (typeof size === 'number' ? size : batch));
}
