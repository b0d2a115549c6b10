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

/** What two tensors differ by, as sums: those of several batches add up. Infinities that both have (of a mask) are in none but the count. */
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

/** Sums of nothing. */
export const noSums: ComparisonSums = { count: 0, signal: 0, other: 0, product: 0, noise: 0, maxError: 0 };

export const addSums = (a: ComparisonSums, b: ComparisonSums): ComparisonSums => ({
  count: a.count + b.count,
  signal: a.signal + b.signal,
  other: a.other + b.other,
  product: a.product + b.product,
  noise: a.noise + b.noise,
  maxError: Math.max(a.maxError, b.maxError),
});

/** What `octavo.compare` returns: the same numbers for each sample. */
export function sumsOfSamples(perSample: Float64Array): ComparisonSums {
  let sums = noSums;
  for (let at = 0; at < perSample.length; at += 6) {
    const [count, signal, other, product, noise, maxError] = perSample.subarray(at, at + 6);
    sums = addSums(sums, { count, signal, other, product, noise, maxError });
  }
  return sums;
}

/** Where nothing differs, PyTorch divides by 0, and gives NaN if all is 0. */
export function comparisonOf({ count, signal, other, product, noise, maxError }: ComparisonSums): Comparison {
  const length = (squares: number) => Math.max(Math.sqrt(squares), shortest);
  return {
    mseLoss: noise / count,
    sqnr: noise === 0 ? Infinity : 10 * Math.log10(signal / noise),
    normalizedL2Error: noise === 0 ? 0 : Math.sqrt(noise / signal),
    cosineSimilarity: product / (length(signal) * length(other)),
    maxError,
  };
}

/** The error relative to y: finite also where x or y is all zeros. */
export const relativeErrorOf = ({ signal, other, noise }: ComparisonSums): number =>
  noise === 0 ? 0 : Math.sqrt(noise / (other || signal));

/** What x and y differ by. Sums are float64. */
export const compare = (x: Tensor, y: Tensor, where: string): Comparison => comparisonOf(sumsOf(x, y, where));

/**
 * The same as sums.
 * @throws Error when shapes differ, there are no elements, a value is NaN, or infinite and not the same in both.
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
    if (isSameInfinity(a[i], b[i])) continue;
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

const isSameInfinity = (a: number, b: number) => a === b && Math.abs(a) === Infinity;

function refuse(a: ArrayLike<number>, b: ArrayLike<number>, where: string): never {
  let at = 0;
  while (at < a.length - 1 && (Number.isFinite(a[at] - b[at]) || isSameInfinity(a[at], b[at]))) at++;
  throw new Error(
    `${where}: only finite numbers can be compared; element ${at} is ${a[at]} and, in the other, ${b[at]}`,
  );
}

function numbersOf({ dtype, data }: Tensor, where: string): ArrayLike<number> {
  if (dtype === 'float16') throw new Error(`${where}: float16 is not compared; convert to float32 first`);
  if (dtype === 'bfloat16') return bfloat16ToFloat(data as Uint16Array);
  return data instanceof BigInt64Array ? Float64Array.from(data, Number) : (data as Float32Array);
}
