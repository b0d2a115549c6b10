import { type DType, type IntegerDType, integerRange } from '../tensor/index.ts';

/** Integer types that tensors are quantized to. */
export type QuantizedDType = IntegerDType;

/** Dtypes of a specification: an integer type, or a floating point type. */
export type SpecDType = QuantizedDType | 'float16' | 'bfloat16' | 'float32';

/** Smallest and largest quantized value; both included. */
export interface QuantRange {
  readonly quantMin: number;
  readonly quantMax: number;
}

/** Whether a quantize operator can produce this dtype. */
export function isQuantizedDType(dtype: DType): dtype is QuantizedDType {
  return integerRange(dtype) !== undefined;
}

/** All values of an integer type. */
export function fullRangeOf(dtype: QuantizedDType): QuantRange {
  const { min, max } = integerRange(dtype);
  return { quantMin: min, quantMax: max };
}

/**
 * Checks a range set by the user against its dtype. A single bound is rejected: PyTorch would silently ignore it.
 * @throws Error that begins with `what`.
 */
export function checkQuantRange(
  dtype: DType,
  quantMin: number | undefined,
  quantMax: number | undefined,
  what: string,
): void {
  if (quantMin === undefined && quantMax === undefined) return;
  if (quantMin === undefined || quantMax === undefined)
    throw new Error(`${what}: quantMin and quantMax must be given together`);
  if (!Number.isInteger(quantMin) || !Number.isInteger(quantMax) || quantMin > quantMax)
    throw new Error(`${what}: quantMin ${quantMin} and quantMax ${quantMax} must be integers in that order`);
  if (!isQuantizedDType(dtype)) return;
  const full = fullRangeOf(dtype);
  if (quantMin < full.quantMin || quantMax > full.quantMax)
    throw new Error(
      `${what}: [${quantMin}, ${quantMax}] does not fit ${dtype}, which holds [${full.quantMin}, ${full.quantMax}]`,
    );
}
