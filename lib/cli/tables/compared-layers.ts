import type { RankedNode } from '../../numerics/index.ts';
import { errorShares, jsonMeasures } from '../../numerics/json-measures.ts';
import { formatTable } from '../output.ts';

/** A layer in both manners of comparing, and how long it takes. */
export interface ComparedLayer {
  readonly alone: RankedNode;
  readonly together: RankedNode;
  /** Of one batch; undefined where no step computes the layer's value, as in the case of views. */
  readonly microseconds: number | undefined;
}

/** A drop is null where nothing differs: JSON has no Infinity. */
const measuresOf = (node: RankedNode) => ({
  ...jsonMeasures(node),
  drop: Number.isFinite(node.drop) ? node.drop : null,
});

/** As `--json` prints it. */
export const describeLayer = ({ alone, together, microseconds }: ComparedLayer) => ({
  node: together.refNodeName,
  module: together.refModulePath,
  actualNode: together.actualNodeName,
  alone: measuresOf(alone),
  together: measuresOf(together),
  microseconds: microseconds ?? null,
});

const barLength = 20;

/** Infinite: nothing differs, or nothing is left. */
function decibels(value: number): string {
  if (value === -Infinity) return '-∞ dB';
  return Number.isFinite(value) ? `${value.toFixed(1)} dB` : '-';
}

/** @param layers in order. A bar is as long as a layer's own error, relative to its values, is beside the largest. */
export function formatLayers(layers: readonly ComparedLayer[]): string {
  const shares = errorShares(layers.map(({ alone }) => alone));
  const table = formatTable([
    ['layer', 'module', 'SQNR alone', 'with all before', 'falls by', 'time', 'error alone'],
    ...layers.map((layer, i) => [
      layer.together.refNodeName,
      layer.together.refModulePath,
      decibels(layer.alone.sqnr),
      decibels(layer.together.sqnr),
      layer.together.drop > 0 ? decibels(layer.together.drop) : '-',
      layer.microseconds === undefined ? '-' : `${layer.microseconds.toFixed(1)} us`,
      '█'.repeat(Math.round(barLength * shares[i])).padEnd(barLength),
    ]),
  ]);
  const worst = layers.reduce((a, b) => (b.together.drop > a.together.drop ? b : a)).together;
  const note = `With all before, the SQNR falls most in ${worst.refNodeName}: by ${decibels(worst.drop)}.`;
  return [table, ...(worst.drop > 0 ? ['', note] : [])].join('\n');
}
