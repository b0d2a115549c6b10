import type { Tensor } from '../../tensor/index.ts';
import type { TrainingBatch } from '../loading/batch.ts';
import type { Random } from '../loading/random.ts';

/**
 * Changes one example of one input. What it draws from `random` is the same whenever the same example is loaded in the same epoch with
 * the same seed.
 * @param example without the axis that counts examples; the transform may overwrite it.
 */
export type Transform = (example: Tensor, random: Random) => Tensor;

/** The same for a whole batch: for what mixes examples, or reads targets too. */
export type BatchTransform = (batch: TrainingBatch, random: Random) => TrainingBatch | Promise<TrainingBatch>;

/** An image as transforms see it. */
export interface Image {
  readonly channels: number;
  readonly height: number;
  readonly width: number;
  readonly data: Float32Array;
}

/** @throws Error unless the example is a float32 image [channels, height, width]. */
export function imageOf({ dtype, shape, data }: Tensor, where: string): Image {
  if (dtype !== 'float32' || shape.length !== 3)
    throw new Error(
      `${where}: expected a float32 image [channels, height, width], got ${dtype} [${shape.join(', ')}]` +
        (dtype === 'uint8' ? '; convertImageDtype() comes first' : ''),
    );
  const [channels, height, width] = shape;
  return { channels, height, width, data: data as Float32Array };
}
