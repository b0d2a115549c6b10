/** The dtypes of quantized activations. */
export type Byte = 'uint8' | 'int8';

export const limits: Record<Byte, [number, number]> = { uint8: [0, 255], int8: [-128, 127] };

/** Functions that only clamp; bounds between two integers. */
export const bounds = {
  none: [-Infinity, Infinity],
  relu: [0, Infinity],
  hardtanh: [-17.25, 40.75],
} as const;

function roundHalfEven(x: number): number {
  const low = Math.floor(x);
  if (x - low !== 0.5) return Math.round(x);
  return low % 2 === 0 ? low : low + 1;
}

/** A real number of a scale of 1 as a byte: clamped, where it is not a number to the lower bound, rounded, shifted, saturated. */
export function byteOf(
  real: number,
  [low, high]: readonly [number, number],
  zeroPoint: number,
  dtype: Byte,
): number {
  const clamped = Math.min(real > low ? real : low, high);
  const [least, most] = limits[dtype];
  return Math.min(Math.max(roundHalfEven(clamped) + zeroPoint, least), most);
}
