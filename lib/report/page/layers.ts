import { errorShares } from '../../numerics/json-measures.ts';
import type { NodeFacts, ReportFacts } from '../facts.ts';
import { decibels, smallPercent, sortableDecibels, tensorText } from '../format.ts';
import { kindOf, titleOf } from '../names.ts';
import { html, type Markup } from './html.ts';
import { bar, type Cell, type Column, nodeButton, sortableTable } from './tables.ts';

/** Every node of the network, with its error where the float model is known; that of the largest error alone first. */
export function layersSection({ nodes }: ReportFacts): Markup {
  const hasErrors = nodes.some(({ error }) => error);
  const shares = errorShares(nodes.map(({ error }) => error?.alone));
  const order = [...nodes.keys()];
  if (hasErrors) order.sort((a, b) => sqnrOf(nodes[a]) - sqnrOf(nodes[b]) || a - b);
  const columns: Column[] = [
    { heading: 'Layer' },
    ...(hasErrors
      ? ([
          { heading: 'SQNR alone', isNumber: true, sorted: 'ascending' },
          { heading: 'Error alone' },
          { heading: 'SQNR accumulated', isNumber: true },
          { heading: 'Clipped', isNumber: true },
        ] as const)
      : []),
    { heading: 'Computes' },
    { heading: 'Result' },
  ];
  const rows = order.map((i): Cell[] => {
    const node = nodes[i];
    const kind = kindOf(node);
    const result = tensorText(node.dtype, node.shape);
    return [
      { content: nodeButton(i, titleOf(node)), sortBy: titleOf(node) },
      ...(hasErrors ? errorCells(node, shares[i]) : []),
      { content: kind, sortBy: kind },
      { content: html`<code>${result}</code>`, sortBy: result },
    ];
  });
  return html`<section id="layers" aria-labelledby="layers-title">
<h2 id="layers-title">Layers</h2>
${
  hasErrors
    ? html`<p>SQNR is how much stronger a layer's values are than their error: 20 dB is a tenth, 40 dB a hundredth. <em>Alone</em> a layer is given what the float model computes before it, so the error is its own. <em>Accumulated</em> it has the errors of all layers before it.</p>`
    : html`<p>How far each layer is from the float model is told with <code>--reference</code>.</p>`
}
${sortableTable('Layers of the network', columns, rows)}
</section>`;
}

const sqnrOf = ({ error }: NodeFacts) => (error ? sortableDecibels(error.alone.sqnr) : Number.MAX_VALUE);

function errorCells({ error, histogram }: NodeFacts, share: number): Cell[] {
  const clipped: Cell = histogram
    ? { content: smallPercent(histogram.clipped), sortBy: histogram.clipped }
    : { content: '–' };
  if (!error) return [{ content: '–' }, { content: undefined }, { content: '–' }, clipped];
  const { alone, together } = error;
  return [
    { content: decibels(alone.sqnr), sortBy: sortableDecibels(alone.sqnr) },
    { content: bar(share), sortBy: share },
    { content: decibels(together.sqnr), sortBy: sortableDecibels(together.sqnr) },
    clipped,
  ];
}
