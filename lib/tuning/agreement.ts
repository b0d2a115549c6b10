import type { Tensor } from '../tensor/index.ts';

/**
 * How far outputs may be apart, relative to their size (root mean square): kernels round ties differently, which layers of
 * 8-bit integers behind them turn into about 0.01. A kernel with a fault is off by as much as the outputs are large.
 */
const tolerance = 0.1;

/** Whether two models give the same, up to rounding. Outputs that hold no numbers, or infinite ones, never agree. */
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
