const float = new Float32Array(1);
const bits = new Uint32Array(float.buffer);

/**
 * bfloat16 bits of numbers, rounded to nearest, ties to even, as PyTorch and oneDNN round (`torch.Tensor.bfloat16`).
 * NaN stays NaN; magnitudes beyond the largest bfloat16 become infinite.
 */
export function floatToBfloat16(values: ArrayLike<number>): Uint16Array {
  const result = new Uint16Array(values.length);
  for (let i = 0; i < values.length; i++) {
    float[0] = values[i];
    const wide = bits[0];
    // A NaN whose payload is all in the low half would become infinity: set the quiet bit instead.
    result[i] = Number.isNaN(float[0]) ? (wide >>> 16) | 0x40 : (wide + 0x7fff + ((wide >>> 16) & 1)) >>> 16;
  }
  return result;
}

/** The float32 values that bfloat16 bits stand for: exact (`torch.Tensor.float`). */
export function bfloat16ToFloat(values: Uint16Array): Float32Array {
  const result = new Float32Array(values.length);
  const wide = new Uint32Array(result.buffer);
  for (let i = 0; i < values.length; i++) wide[i] = values[i] << 16;
  return result;
}
