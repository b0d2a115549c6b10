import type { NodeFacts } from '../facts.ts';

/** By node, those that it reads and those that read it. */
export interface Neighbours {
  readonly before: readonly (readonly number[])[];
  readonly after: readonly (readonly number[])[];
}

export function neighboursOf(nodes: readonly NodeFacts[]): Neighbours {
  const indices = new Map(nodes.map(({ name }, i) => [name, i]));
  const before = nodes.map(({ inputs }) => inputs.map((name) => indices.get(name)!));
  const after = nodes.map((): number[] => []);
  for (const [i, inputs] of before.entries()) for (const input of inputs) after[input].push(i);
  return { before, after };
}

/**
 * Where an arrow key leads from a node: up to its first input, down to its first reader, sideways to the other readers of what it reads, or, if
 * there are none, to the other inputs of what reads it. Home and End lead to the first and the last node.
 */
export function arrowTarget({ before, after }: Neighbours, from: number, key: string): number | undefined {
  switch (key) {
    case 'ArrowUp':
      return before[from][0];
    case 'ArrowDown':
      return after[from][0];
    case 'ArrowLeft':
    case 'ArrowRight': {
      const ways = [
        ...before[from].map((input) => after[input]),
        ...after[from].map((reader) => before[reader]),
      ];
      const siblings = ways.find(({ length }) => length > 1) ?? [];
      return siblings[siblings.indexOf(from) + (key === 'ArrowLeft' ? -1 : 1)];
    }
    case 'Home':
      return 0;
    case 'End':
      return before.length - 1;
    default:
      return undefined;
  }
}
