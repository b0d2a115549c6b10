import { bfloat16ToFloat, type Tensor } from '../tensor/index.ts';

/** By how much values differ from others. */
export interface Comparison {
  /** Mean of the squared differences (`torch.nn.functional.mse_loss`). */
  readonly mseLoss: number;
  /** Signal to quantization noise ratio in decibels, `20 log10(|x| / |x - y|)` (`torch.ao.ns.fx.utils.compute_sqnr`); Infinity where nothing differs. */
  readonly sqnr: number;
  /** `sqrt(Σ (x - y)² / Σ x²)` (`compute_normalized_l2_error`). */
  readonly normalizedL2Error: number;
  /** Cosine of the angle between both as vectors (`compute_cosine_similarity`); 0 where one has no length. */
  readonly cosineSimilarity: number;
  /** The largest difference. */
  readonly maxError: number;
}

/** What two tensors differ by, as sums: those of several batches add up. */
export interface ComparisonSums {
  /** How many elements there were. */
  readonly count: number;
  /** Σ x² */
  readonly signal: number;
  /** Σ y² */
  readonly other: number;
  /** Σ x y */
  readonly product: number;
  /** Σ (x - y)² */
  readonly noise: number;
  readonly maxError: number;
}

/** Shortest length that a vector has in a cosine, as in PyTorch. */
const shortest = 1e-8;

/** A comparison that goes on over many tensors and keeps sums alone. Sums are float64. */
export class ComparisonStatistics implements Comparison {
  #sums: ComparisonSums = { count: 0, signal: 0, other: 0, product: 0, noise: 0, maxError: 0 };

  /** Of one pair. */
  static of(x: Tensor, y: Tensor, where: string): ComparisonStatistics {
    const statistics = new ComparisonStatistics();
    statistics.add(sumsOf(x, y, where));
    return statistics;
  }

  add(sums: ComparisonSums): void {
    const { count, signal, other, product, noise, maxError } = this.#sums;
    this.#sums = {
      count: count + sums.count,
      signal: signal + sums.signal,
      other: other + sums.other,
      product: product + sums.product,
      noise: noise + sums.noise,
      maxError: Math.max(maxError, sums.maxError),
    };
  }

  get mseLoss(): number {
    return this.#sums.noise / this.#sums.count;
  }

  get sqnr(): number {
    const { signal, noise } = this.#sums;
    // PyTorch divides by 0, and gives NaN where both are.
    return noise === 0 ? Infinity : 10 * Math.log10(signal / noise);
  }

  get normalizedL2Error(): number {
    const { signal, noise } = this.#sums;
    return noise === 0 ? 0 : Math.sqrt(noise / signal);
  }

  get cosineSimilarity(): number {
    const { signal, other, product } = this.#sums;
    return product / (Math.max(Math.sqrt(signal), shortest) * Math.max(Math.sqrt(other), shortest));
  }

  get maxError(): number {
    return this.#sums.maxError;
  }
}

/**
 * @throws Error when shapes differ, there are no elements, or a difference is not a finite number.
 */
export function sumsOf(x: Tensor, y: Tensor, where: string): ComparisonSums {
  if (String(x.shape) !== String(y.shape))
    throw new Error(
      `${where}: cannot compare tensors with different shapes: [${x.shape.join(', ')}] and [${y.shape.join(', ')}]`,
    );
  if (x.numel === 0) throw new Error(`${where}: tensors of shape [${x.shape.join(', ')}] have no elements`);
  const [a, b] = [numbersOf(x, where), numbersOf(y, where)];
  let [signal, other, product, noise, maxError] = [0, 0, 0, 0, 0];
  for (let i = 0; i < a.length; i++) {
    const difference = Math.abs(a[i] - b[i]);
    signal += a[i] * a[i];
    other += b[i] * b[i];
    product += a[i] * b[i];
    noise += difference * difference;
    if (difference > maxError) maxError = difference;
  }
  if (!Number.isFinite(noise)) refuse(a, b, where);
  return { count: a.length, signal, other, product, noise, maxError };
}

function refuse(a: ArrayLike<number>, b: ArrayLike<number>, where: string): never {
  let at = 0;
  while (at < a.length - 1 && Number.isFinite(a[at] - b[at])) at++;
  throw new Error(
    `${where}: only finite numbers can be compared; element ${at} is ${a[at]} and, in the other, ${b[at]}`,
  );
}

function numbersOf({ dtype, data }: Tensor, where: string): ArrayLike<number> {
  if (dtype === 'float16') throw new Error(`${where}: float16 is not compared; convert to float32 first`);
  if (dtype === 'bfloat16') return bfloat16ToFloat(data as Uint16Array);
  return data instanceof BigInt64Array ? Float64Array.from(data, Number) : (data as Float32Array);
}
