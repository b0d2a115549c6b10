/** The value below which the fraction `q` of the values lies (linear between neighbours, as NumPy's default). */
export function quantile(values: readonly number[], q: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (sorted.length - 1) * q;
  const below = Math.floor(at);
  return sorted[below] + (at - below) * ((sorted[below + 1] ?? sorted[below]) - sorted[below]);
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/** The mean of ratios: twice as fast here and half as fast there is as fast. */
export function geometricMean(values: readonly number[]): number {
  return Math.exp(values.reduce((sum, value) => sum + Math.log(value), 0) / values.length);
}
