import { describe, expect, it } from 'vitest';
import { type NodeComparison, rankLayers } from '../../lib/numerics/index.ts';

/** Nodes that have so many decibels, and those of such handles as inputs. */
const nodes = (...each: readonly (readonly [sqnr: number, inputs: readonly number[]])[]) =>
  new Map(
    each.map(([sqnr, inputs], handle) => [handle, { handle, sqnr, inputs } as unknown as NodeComparison]),
  );

const drops = (found: ReadonlyMap<number, NodeComparison>) =>
  rankLayers(found).map(({ handle, drop }) => [handle, drop]);

describe('rankLayers', () => {
  it('names the node that the SQNR falls in, and not the worst behind it', () => {
    expect(drops(nodes([38, []], [2, [0]], [-1, [1]], [1, [2]]))).toEqual([
      [1, 28],
      [2, 2],
      [3, -1],
      [0, -8],
    ]);
  });

  it('counts a value that is lost once, and in no order of its own', () => {
    expect(drops(nodes([38, []], [0, [0]], [-Infinity, [1]], [-Infinity, [2]], [-3, [3]]))).toEqual([
      [1, 30],
      [2, 0],
      [3, 0],
      [4, 0],
      [0, -8],
    ]);
  });

  it('goes by the worst of several inputs', () => {
    expect(drops(nodes([35, []], [12, [0]], [11, [0, 1]]))[0]).toEqual([1, 18]);
  });

  it('orders nodes whose inputs have no errors by their SQNR', () => {
    expect(drops(nodes([35, []], [Infinity, []], [Infinity, []], [28, []]))).toEqual([
      [3, 2],
      [0, -5],
      [1, -Infinity],
      [2, -Infinity],
    ]);
  });

  it('counts only the errors that 8 bits do not have', () => {
    expect(drops(nodes([60, []], [31, [0]], [27, [1]]))[0]).toEqual([2, 3]);
  });
});
