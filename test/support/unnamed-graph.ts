/** Nodes by number instead of name, floats to four digits: what a graph computes, whatever it is called. */
export function unnamed(graph: string): string[] {
  const numbers = new Map<string, number>();
  const numberOf = (name: string) => {
    if (!numbers.has(name)) numbers.set(name, numbers.size);
    return `%${numbers.get(name)}`;
  };
  return graph
    .replaceAll(/\[target=(?!torch\.ops)[\w.]+\]/g, '')
    .replaceAll(/%[\w]+/g, numberOf)
    .replaceAll(/\d+\.\d+(e-\d+)?/g, (float) => Number(float).toPrecision(4))
    .split('\n')
    .filter((line) => line.includes('%'));
}
