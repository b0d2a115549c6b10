/**
 * The highest rate that holds a bound, by bisection: a rate that holds is the new lower end, one that does not the new upper.
 * @param holds whether a rate does; lower rates are taken to hold then, too.
 * @param steps how often to halve the span from 0 to `highest`.
 * @returns the highest rate that was tried and held; 0 if none did.
 */
export async function highestRate(
  holds: (rate: number) => Promise<boolean>,
  highest: number,
  steps: number,
): Promise<number> {
  let [low, high] = [0, highest];
  for (let step = 0; step < steps; step++) {
    const middle = (low + high) / 2;
    if (await holds(middle)) low = middle;
    else high = middle;
  }
  return low;
}
