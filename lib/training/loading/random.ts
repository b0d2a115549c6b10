import { Generator } from '../../nn/generator.ts';

/**
 * Random numbers that follow from some whole numbers, such as a seed, an epoch and an example: whoever asks again with the same ones
 * gets the same, whatever was drawn in between.
 */
export class Random {
  readonly #generator: Generator;

  constructor(...keys: readonly number[]) {
    this.#generator = new Generator(mixed(keys));
  }

  /** A number in [from, to). */
  uniform(from: number, to: number): number {
    return from + (to - from) * this.#generator.random() * 2 ** -32;
  }

  /** A whole number from 0 to `count` - 1. */
  integer(count: number): number {
    return Math.floor(this.uniform(0, count));
  }

  /** True in `probability` of all cases. */
  chance(probability: number): boolean {
    return this.uniform(0, 1) < probability;
  }
}

/** 32 bits that depend on every bit of the keys, in their order (MurmurHash3). */
function mixed(keys: readonly number[]): number {
  let hash = 0;
  for (const key of keys)
    for (const word of [key >>> 0, Math.floor(key / 2 ** 32) >>> 0]) {
      let bits = Math.imul(word, 0xcc9e2d51);
      bits = Math.imul((bits << 15) | (bits >>> 17), 0x1b873593);
      hash ^= bits;
      hash = Math.imul((hash << 13) | (hash >>> 19), 5) + 0xe6546b64;
    }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

/** The numbers from 0 to `count` - 1 in random order, PyTorch's for the same seed (counterpart: `torch.randperm`). */
export function randperm(count: number, generator: Generator): number[] {
  const numbers = Array.from({ length: count }, (_, i) => i);
  for (let i = 0; i < count - 1; i++) {
    const other = i + (generator.random() % (count - i));
    [numbers[i], numbers[other]] = [numbers[other], numbers[i]];
  }
  return numbers;
}
