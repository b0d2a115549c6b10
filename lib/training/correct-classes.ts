import type { Tensor } from '../tensor/index.ts';

/**
 * How many rows have their largest number at the label's place.
 * @param scores [n, classes].
 * @param labels n of them.
 */
export function correctClasses({ data, shape }: Tensor, labels: ArrayLike<number | bigint>): number {
  const scores = data as ArrayLike<number>;
  const [count, classes] = shape;
  let correct = 0;
  for (let row = 0; row < count; row++) {
    let best = 0;
    for (let i = 1; i < classes; i++) if (scores[row * classes + i] > scores[row * classes + best]) best = i;
    if (best === Number(labels[row])) correct++;
  }
  return correct;
}
