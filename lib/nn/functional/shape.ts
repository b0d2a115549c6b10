import type { Dim } from '../../graph/index.ts';
import type { DType } from '../../tensor/index.ts';
import { callOperator, callOperatorForMany, type Value } from '../dispatcher.ts';
import { trimDefaults } from './arguments.ts';

/** Merges the dimensions from `start` to `end` into one. */
export function flatten(x: Value, start = 0, end = -1): Value {
  const args = trimDefaults([x, start, end], [0, -1]);
  return callOperator({ target: 'aten.flatten.using_ints', args, source: 'torch.flatten' });
}

/** The same elements in another shape; one extent may be -1. */
export function view(x: Value, shape: readonly Dim[]): Value {
  return callOperator({ target: 'aten.view.default', args: [x, shape], source: 'view' });
}

/** Like {@link view}, for any memory format. */
export function reshape(x: Value, shape: readonly Dim[]): Value {
  return callOperator({ target: 'aten.reshape.default', args: [x, shape], source: 'reshape' });
}

/** Reorders dimensions. */
export function permute(x: Value, axes: readonly number[]): Value {
  return callOperator({ target: 'aten.permute.default', args: [x, axes], source: 'permute' });
}

/** Swaps two dimensions. */
export function transpose(x: Value, axis0: number, axis1: number): Value {
  return callOperator({ target: 'aten.transpose.int', args: [x, axis0, axis1], source: 'transpose' });
}

/** Inserts a dimension of size 1. */
export function unsqueeze(x: Value, axis: number): Value {
  return callOperator({ target: 'aten.unsqueeze.default', args: [x, axis], source: 'unsqueeze' });
}

/** Removes a dimension of size 1. */
export function squeeze(x: Value, axis: number): Value {
  return callOperator({ target: 'aten.squeeze.dim', args: [x, axis], source: 'squeeze' });
}

/** Element `index` of an axis, which is gone. */
export function select(x: Value, axis: number, index: number): Value {
  return callOperator({ target: 'aten.select.int', args: [x, axis, index], source: 'select' });
}

/** Concatenates values along an axis. */
export function cat(values: readonly Value[], axis = 0): Value {
  return callOperator({
    target: 'aten.cat.default',
    args: trimDefaults([values, axis], [0]),
    source: 'torch.cat',
  });
}

/** Splits a value into `chunks` pieces along an axis. */
export function chunk(x: Value, chunks: number, axis = 0): readonly Value[] {
  const args = trimDefaults([x, chunks, axis], [0]);
  return callOperatorForMany({ target: 'aten.chunk.default', args, source: 'chunk' });
}

/** Pads x: pairs of amounts before and after, for the last dimension first. */
export function pad(x: Value, amounts: readonly number[], value?: number): Value {
  const args = value === undefined ? [x, amounts] : [x, amounts, 'constant', value];
  return callOperator({
    target: 'aten.pad.default',
    args,
    source: 'torch.nn.functional.pad',
    floats: ['value'],
  });
}

/** The same values in another element type (`Tensor.to`). */
export function to(x: Value, dtype: DType): Value {
  return callOperator({ target: 'aten.to.dtype', args: [x, dtype], source: 'to' });
}
