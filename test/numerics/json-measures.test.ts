import { describe, expect, it } from 'vitest';
import { type ComparedLayer, describeLayer, formatLayers } from '../../lib/cli/tables/compared-layers.ts';
import type { RankedNode } from '../../lib/numerics/index.ts';
import { errorShares, jsonMeasures } from '../../lib/numerics/json-measures.ts';
import { decibels, sortableDecibels } from '../../lib/report/format.ts';

const measures = (sqnr: number, normalizedL2Error: number) => ({
  sqnr,
  normalizedL2Error,
  mseLoss: 1,
  cosineSimilarity: 0.5,
  maxError: 2,
});

const layer = (refNodeName: string, sqnr: number, normalizedL2Error: number): ComparedLayer => {
  const node: RankedNode = {
    ...measures(sqnr, normalizedL2Error),
    handle: 1,
    actualNodeName: refNodeName,
    actualModulePath: '',
    refNodeName,
    refModulePath: '',
    inputs: [],
    comparisons: {},
    relativeError: 1,
    drop: 30 - Math.max(0, sqnr),
  };
  return { alone: node, together: node, microseconds: 1 };
};

describe('measures that are infinite', () => {
  const lost = measures(-Infinity, Infinity);
  const same = measures(Infinity, 0);

  it('are told apart in JSON: nothing is left, and nothing differs', () => {
    const written = JSON.parse(JSON.stringify([lost, same, measures(20, 0.1)].map(jsonMeasures)));
    expect(written).toEqual([
      { ...lost, sqnr: '-Infinity', normalizedL2Error: null },
      { ...same, sqnr: null },
      measures(20, 0.1),
    ]);
    expect(describeLayer(layer('fc', Infinity, 0)).together).toMatchObject({ sqnr: null, drop: null });
  });

  it('leave the bars of others as they are beside the largest finite error', () => {
    expect(errorShares([lost, measures(20, 0.1), measures(14, 0.2), same, undefined])).toEqual([
      1, 0.5, 1, 0, 0,
    ]);
    expect(errorShares([jsonMeasures(lost), jsonMeasures(same)])).toEqual([1, 0]);
  });

  it('are printed by octavo compare, with a full bar where nothing is left', () => {
    const [, , first, second, third] = formatLayers([
      layer('lost', -Infinity, Infinity),
      layer('bad', 20, 0.1),
      layer('same', Infinity, 0),
    ]).split('\n');
    expect(first).toMatch(/^\| lost .* -∞ dB \| +-∞ dB \| +30\.0 dB .*█{20} \|$/);
    expect(second).toMatch(/^\| bad .* 20\.0 dB .*█{20} \|$/);
    expect(third).toMatch(/^\| same .* - \| +- \|[^█]*\|$/);
  });

  it('are written and sorted in a report', () => {
    expect([null, '-Infinity' as const, 3].map(decibels)).toEqual(['exact', '-∞ dB', '3.0 dB']);
    const order = [3, null, '-Infinity' as const].toSorted(
      (a, b) => sortableDecibels(a) - sortableDecibels(b),
    );
    expect(order).toEqual(['-Infinity', 3, null]);
  });
});
