import type { TensorMeta } from '../../graph/index.ts';
import type { Tensor } from '../../tensor/index.ts';

/**
 * The inputs' shapes for a batch size. Sizes that the model leaves open are the batch where they are an input's first; others
 * are as large as those of the inputs that the model was exported with, and without such as large as the batch.
 * @param examples one for each input.
 */
export function inputShapes(
  inputs: readonly Pick<TensorMeta, 'shape'>[],
  batch: number,
  examples?: readonly Tensor[],
): number[][] {
  const open = new Map<string, number>();
  for (const { shape } of inputs)
    if (shape[0] !== undefined && typeof shape[0] !== 'number') open.set(String(shape[0]), batch);
  return inputs.map(({ shape }, i) =>
    shape.map((size, axis) =>
      typeof size === 'number' ? size : (open.get(String(size)) ?? examples?.[i].shape[axis] ?? batch),
    ),
  );
}
