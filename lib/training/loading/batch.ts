import { inspect } from 'node:util';
import { Tensor } from '../../tensor/index.ts';

/** Tensors by name. */
export type Tensors = Readonly<Record<string, Tensor>>;

/** What a step of training takes: `trainer.step(inputs, targets)`. The first axis of each tensor counts the examples. */
export interface TrainingBatch {
  readonly inputs: Tensors;
  readonly targets: Tensors;
}

/**
 * @param where what gave the batch or example, for messages.
 * @throws Error unless it has inputs and targets, both of them tensors by name.
 */
export function checkBatch(batch: unknown, where: string): asserts batch is TrainingBatch {
  if (typeof batch !== 'object' || batch === null)
    throw new Error(`${where}: expected { inputs, targets } with tensors by name, got ${inspect(batch)}`);
  for (const kind of ['inputs', 'targets'] as const) {
    const { [kind]: tensors }: { readonly [K in typeof kind]?: unknown } = batch;
    if (typeof tensors !== 'object' || tensors === null)
      throw new Error(`${where}: ${kind} must be tensors by name, got ${inspect(tensors)}`);
    for (const [name, value] of Object.entries(tensors))
      if (!(value instanceof Tensor))
        throw new Error(
          `${where}: ${kind}.${name} must be a Tensor, got ${Object.prototype.toString.call(value)}`,
        );
  }
}

/** The elements of some rows, that is of one place or several on the first axis, without a copy. */
export function rowsOf({ dtype, shape, data }: Tensor, begin: number, count: number): Tensor {
  const row = data.length / shape[0];
  return new Tensor(dtype, data.subarray(begin * row, (begin + count) * row), [count, ...shape.slice(1)]);
}

/**
 * Tensors of one shape, one after the other along a new first axis (`torch.stack`).
 * @param name of what they are, for messages.
 * @throws Error when one differs from the first in shape or dtype.
 */
export function stack(tensors: readonly Tensor[], name: string): Tensor {
  const [{ dtype, shape, numel }] = tensors;
  const result = Tensor.zeros(dtype, [tensors.length, ...shape]);
  for (const [i, each] of tensors.entries()) {
    if (each.dtype !== dtype || each.shape.join() !== shape.join())
      throw new Error(
        `DataLoader: '${name}' is ${dtype} [${shape.join(', ')}] in one example of a batch, and ` +
          `${each.dtype} [${each.shape.join(', ')}] in another`,
      );
    result.data.set(each.data as never, i * numel);
  }
  return result;
}
