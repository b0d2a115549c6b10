/**
 * A number that a file stores as float32, with the fewest digits that mean the same float32: 0.1 instead of
 * 0.10000000149011612. This is what the exporter was given, so that a model has the same numbers after a way there and back.
 */
export function asGiven(value: number): number {
  if (Number.isInteger(value) || !Number.isFinite(value)) return value;
  const single = Math.fround(value);
  for (let digits = 1; digits < 10; digits++) {
    const short = Number(single.toPrecision(digits));
    if (Math.fround(short) === single) return short;
  }
  return value;
}
