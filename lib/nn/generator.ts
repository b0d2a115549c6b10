const STATE_SIZE = 624;
const SHIFT_SIZE = 397;
const MASK_24 = 0xffffff;

/**
 * PyTorch's CPU random number generator, a Mersenne Twister (mt19937): a seed produces the same uniform numbers as
 * `torch.Generator().manual_seed(seed)`, and the same normal ones up to rounding.
 *
 * It stands in for fixtures: the weights of the nine torchvision networks in bench/models, 202 million, would be 807 MB of
 * files. Drawn from the seed, they are PyTorch's, so that graphs and results are compared with what PyTorch computed.
 */
export class Generator {
  readonly #state = new Uint32Array(STATE_SIZE);
  readonly #numbers = new Uint32Array(STATE_SIZE);
  #next = STATE_SIZE;
  #spareNormal: number | undefined;

  /** @param seed an integer; only its lower 32 bits count. */
  constructor(seed: number) {
    this.manualSeed(seed);
  }

  /** Restarts from a seed (`torch.Generator.manual_seed`). */
  manualSeed(seed: number): this {
    if (!Number.isSafeInteger(seed)) throw new Error(`manualSeed: ${seed} is not an integer`);
    const state = this.#state;
    state[0] = Number(BigInt.asUintN(32, BigInt(seed)));
    for (let i = 1; i < STATE_SIZE; i++) {
      const previous = state[i - 1] ^ (state[i - 1] >>> 30);
      state[i] = Math.imul(1812433253, previous) + i;
    }
    this.#next = STATE_SIZE;
    this.#spareNormal = undefined;
    return this;
  }

  /** Fills an array with float32 numbers in [from, to) (`torch.Tensor.uniform_`). */
  fillUniform(data: Float32Array, from: number, to: number): void {
    const start = Math.fround(from);
    const range = Math.fround(Math.fround(to) - start);
    for (let i = 0; i < data.length; i++) data[i] = (this.random() & MASK_24) * 2 ** -24 * range + start;
  }

  /** Fills an array with normally distributed float32 numbers (`torch.Tensor.normal_`). */
  fillNormal(data: Float32Array, mean: number, deviation: number): void {
    // PyTorch draws short arrays element by element, and long ones in blocks of 16.
    if (data.length < 16) for (let i = 0; i < data.length; i++) data[i] = this.#normal() * deviation + mean;
    else this.#fillNormalBlocks(data, mean, deviation);
  }

  #fillNormalBlocks(data: Float32Array, mean: number, deviation: number): void {
    const transform = (begin: number) => {
      for (let i = begin; i < begin + 8; i++) {
        const radius = Math.sqrt(-2 * Math.log(1 - data[i]));
        const angle = 2 * Math.PI * data[i + 8];
        data[i] = radius * Math.cos(angle) * deviation + mean;
        data[i + 8] = radius * Math.sin(angle) * deviation + mean;
      }
    };
    this.fillUniform(data, 0, 1);
    for (let i = 0; i + 16 <= data.length; i += 16) transform(i);
    if (data.length % 16 === 0) return;
    // PyTorch redraws the remainder as a whole block at the end.
    this.fillUniform(data.subarray(data.length - 16), 0, 1);
    transform(data.length - 16);
  }

  /** One number of the standard normal distribution in double precision, by Box and Muller's method. */
  #normal(): number {
    if (this.#spareNormal !== undefined) {
      const spare = this.#spareNormal;
      this.#spareNormal = undefined;
      return spare;
    }
    const angle = 2 * Math.PI * this.#unitDouble();
    const radius = Math.sqrt(-2 * Math.log1p(-this.#unitDouble()));
    this.#spareNormal = radius * Math.sin(angle);
    return radius * Math.cos(angle);
  }

  /** A number in [0, 1) with 53 random bits. */
  #unitDouble(): number {
    const high = this.random() & 0x1fffff;
    return (high * 2 ** 32 + this.random()) * 2 ** -53;
  }

  /** The next 32 random bits, as a whole number. */
  random(): number {
    if (this.#next === STATE_SIZE) this.#twist();
    return this.#numbers[this.#next++];
  }

  /** Generates the next block of numbers. */
  #twist(): void {
    const state = this.#state;
    for (let i = 0; i < STATE_SIZE; i++) {
      const next = i + 1 < STATE_SIZE ? i + 1 : 0;
      const shifted = i + SHIFT_SIZE < STATE_SIZE ? i + SHIFT_SIZE : i + SHIFT_SIZE - STATE_SIZE;
      const y = (state[i] & 0x80000000) | (state[next] & 0x7fffffff);
      state[i] = state[shifted] ^ (y >>> 1) ^ (y & 1 ? 0x9908b0df : 0);
      let z = state[i];
      z ^= z >>> 11;
      z ^= (z << 7) & 0x9d2c5680;
      z ^= (z << 15) & 0xefc60000;
      this.#numbers[i] = z ^ (z >>> 18);
    }
    this.#next = 0;
  }
}

/** PyTorch's default seed. */
const DEFAULT_SEED = 67280421310721;

/** The generator that modules draw their initial weights from. */
export const defaultGenerator = new Generator(DEFAULT_SEED);

/** Seeds the generator that modules draw their initial weights from (`torch.manual_seed`). */
export function manualSeed(seed: number): void {
  defaultGenerator.manualSeed(seed);
}
