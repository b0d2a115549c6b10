import type { Problem } from '../kind.ts';
import { Random } from '../random.ts';

type Pair = readonly [number, number];

/** Images that are pooled. Pairs are of height and width. */
export interface PoolingProblem extends Problem {
  readonly variant: 'uint8' | 'int8' | 'float32';
  readonly shape: readonly [number, number, number, number];
  readonly pool: WindowedPool | AdaptivePool;
}

export interface WindowedPool {
  readonly operator: 'max' | 'average';
  readonly kernel: Pair;
  readonly stride: Pair;
  readonly padding: Pair;
  readonly ceilMode: boolean;
  /** For averages alone: padding counts as zeros. */
  readonly countIncludePad: boolean;
}

export interface AdaptivePool {
  readonly operator: 'adaptive average';
  readonly output: Pair;
}

const channelCounts = [
  ...[1, 2, 3, 4, 5, 7, 8, 12, 15, 16, 17, 20, 24, 31, 32, 33, 48, 63, 64, 65, 100, 127, 128, 129, 256],
];

/** The problem of a seed. */
export function drawPoolingProblem(seed: number): PoolingProblem {
  const random = new Random(seed);
  const image = [random.integer(1, 14), random.integer(1, 14)] as const;
  return {
    seed,
    variant: random.pick(['uint8', 'uint8', 'int8', 'float32']),
    shape: [random.pick([1, 1, 2, 4]), random.pick(channelCounts), ...image],
    pool: random.chance(0.25) ? adaptive(random, image) : windowed(random, image),
  };
}

function adaptive(random: Random, [height, width]: Pair): AdaptivePool {
  return { operator: 'adaptive average', output: [random.integer(1, height), random.integer(1, width)] };
}

function windowed(random: Random, [height, width]: Pair): WindowedPool {
  const kernel = [random.integer(1, Math.min(height, 5)), random.integer(1, Math.min(width, 5))] as const;
  return {
    operator: random.pick(['max', 'average']),
    kernel,
    stride: [random.integer(1, 3), random.integer(1, 3)],
    // PyTorch refuses more than half of the kernel.
    padding: [random.integer(0, kernel[0] >> 1), random.integer(0, kernel[1] >> 1)],
    ceilMode: random.chance(0.3),
    countIncludePad: random.chance(0.5),
  };
}
