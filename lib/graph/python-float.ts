/** Python's `repr` writes a float with an exponent outside this range. */
const SMALLEST_PLAIN = -4;
const LARGEST_PLAIN = 16;

/**
 * A float as Python's `repr` writes it, with the fewest digits that read back as the same number: `1.0`, `1e-05`,
 * `inf`.
 */
export function pythonFloat(value: number): string {
  if (Number.isNaN(value)) return 'nan';
  if (!Number.isFinite(value)) return value > 0 ? 'inf' : '-inf';
  if (value === 0) return Object.is(value, -0) ? '-0.0' : '0.0';
  const [mantissa, exponentText] = value.toExponential().split('e');
  const exponent = Number(exponentText);
  if (exponent < SMALLEST_PLAIN || exponent >= LARGEST_PLAIN) {
    const digits = String(Math.abs(exponent)).padStart(2, '0');
    return `${mantissa}e${exponent < 0 ? '-' : '+'}${digits}`;
  }
  // JavaScript also writes all digits in this range: it switches to exponents at 1e-7 and 1e21.
  const plain = String(value);
  return plain.includes('.') ? plain : `${plain}.0`;
}
