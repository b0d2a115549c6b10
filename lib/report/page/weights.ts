import type { JsonDecibels } from '../../numerics/json-measures.ts';
import { channelColumns, extentOf } from '../channels.ts';
import type { ReportFacts, WeightFacts } from '../facts.ts';
import { decibels, real, sortableDecibels } from '../format.ts';
import { titleOf } from '../names.ts';
import { html, type Markup } from './html.ts';
import { type Cell, type Column, nodeButton, sortableTable } from './tables.ts';

/** The weights of all layers, with the range of each output channel. */
export function weightsSection({ nodes }: ReportFacts): Markup | undefined {
  const layers = [...nodes.keys()].filter((i) => nodes[i].weight);
  if (layers.length === 0) return undefined;
  const hasErrors = layers.some((i) => nodes[i].weight!.sqnr !== undefined);
  const columns: Column[] = [
    { heading: 'Layer' },
    { heading: 'Shape' },
    { heading: 'Range', isNumber: true },
    { heading: 'Widest channel', isNumber: true },
    ...(hasErrors ? [{ heading: 'SQNR', isNumber: true }] : []),
    { heading: 'Channels' },
  ];
  const rows = layers.map((i): Cell[] => {
    const weight = nodes[i].weight!;
    const { low, high } = extentOf(weight);
    const spread = spreadOf(weight);
    return [
      { content: nodeButton(i, titleOf(nodes[i])), sortBy: titleOf(nodes[i]) },
      { content: html`<code>[${weight.shape.join(', ')}]</code>`, sortBy: weight.shape[0] },
      { content: `${real(low)} to ${real(high)}`, sortBy: high - low },
      { content: `${spread.toFixed(1)} × median`, sortBy: spread },
      ...(hasErrors ? [sqnrCell(weight.sqnr)] : []),
      { content: channels(weight), sortBy: weight.shape[0] },
    ];
  });
  return html`<section id="weights" aria-labelledby="weights-title">
<h2 id="weights-title">Weights</h2>
<p>Each output channel has a scale of its own, so a channel that is much wider than the others costs only itself. The drawing shows the smallest and the largest weight of each channel.</p>
${sortableTable('Weights of the layers', columns, rows)}
</section>`;
}

function sqnrCell(sqnr: JsonDecibels | undefined): Cell {
  return sqnr === undefined ? { content: '–' } : { content: decibels(sqnr), sortBy: sortableDecibels(sqnr) };
}

/** The width of the widest channel beside that of the one in the middle. */
function spreadOf({ min, max }: WeightFacts): number {
  const widths = min.map((low, i) => Math.max(Math.abs(low), Math.abs(max[i]))).sort((a, b) => a - b);
  return widths.at(-1)! / (widths[Math.floor(widths.length / 2)] || 1);
}

const [width, height] = [180, 28];

function channels(weight: WeightFacts): Markup {
  const columns = channelColumns(weight, width);
  const { low, high } = extentOf(weight);
  const extent = Math.max(Math.abs(low), Math.abs(high)) || 1;
  const y = (value: number) => ((height / 2) * (1 - value / extent)).toFixed(1);
  const step = width / columns.length;
  const lines = columns.map(
    (column, i) => `M${((i + 0.5) * step).toFixed(1)} ${y(column.high)}V${y(column.low)}`,
  );
  return html`<svg class="channels" viewBox="0 0 ${width} ${height}" aria-hidden="true"><path d="${lines.join('')}" stroke-width="${(0.8 * step).toFixed(2)}"/></svg>`;
}
