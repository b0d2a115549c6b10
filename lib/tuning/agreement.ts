import type { Tensor } from '../tensor/index.ts';

/**
 * Largest distance between outputs, relative to their root mean square. Kernels round ties differently, which following
 * 8-bit layers amplify to about 0.01. The output of a faulty kernel differs by as much as the outputs are large.
 */
const tolerance = 0.1;

/** Whether two models return the same outputs, up to rounding. Outputs with NaN or infinity never agree. */
export function agree(
  expected: Readonly<Record<string, Tensor>>,
  actual: Readonly<Record<string, Tensor>>,
): boolean {
  return Object.keys(expected).every((name) => {
    const [a, b] = [expected[name].toArray(), actual[name].toArray()];
    const squares = (values: readonly number[]) => values.reduce((sum, value) => sum + value * value, 0);
    return squares(a.map((value, i) => value - b[i])) <= tolerance ** 2 * squares(a);
  });
}
