import type { Tensor } from '../tensor/index.ts';

/**
 * How many rows have their largest number at the label's place.
 * @param logits [n, classes].
 * @param labels n of them.
 */
export function correctClasses(logits: Tensor, labels: ArrayLike<number | bigint>): number {
  // Halves are stored as bits.
  const scores = (
    logits.dtype.startsWith('float') && logits.dtype !== 'float16' ? logits.data : logits.toArray()
  ) as ArrayLike<number>;
  const [count, classes] = logits.shape;
  let correct = 0;
  for (let row = 0; row < count; row++) {
    let best = 0;
    for (let i = 1; i < classes; i++) if (scores[row * classes + i] > scores[row * classes + best]) best = i;
    if (best === Number(labels[row])) correct++;
  }
  return correct;
}
