import type { DType, TensorData } from './dtype.ts';
import { numelOf, Tensor } from './tensor.ts';

/**
 * Copies a strided view of an array into a row-major tensor.
 * @param offset the index of the view's first element; `strides` are in elements, too.
 * @throws Error when the view reaches beyond the array.
 */
export function gatherStrided(
  dtype: DType,
  source: TensorData,
  offset: number,
  shape: readonly number[],
  strides: readonly number[],
): Tensor {
  const last = shape.reduce((at, extent, axis) => at + (extent - 1) * strides[axis], offset);
  if (numelOf(shape) > 0 && last >= source.length)
    throw new Error(
      `a ${dtype} view [${shape.join(', ')}] reaches element ${last} of an array of ${source.length}`,
    );
  const result = Tensor.zeros(dtype, shape);
  const index = shape.map(() => 0);
  let at = offset;
  for (let i = 0; i < result.numel; i++) {
    result.data[i] = source[at];
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      at += strides[axis];
      if (++index[axis] < shape[axis]) break;
      at -= strides[axis] * shape[axis];
      index[axis] = 0;
    }
  }
  return result;
}
