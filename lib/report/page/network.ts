import { errorShares } from '../../numerics/json-measures.ts';
import type { ReportFacts } from '../facts.ts';
import { decibels, percent, tensorText } from '../format.ts';
import { type Box, drawNetwork, type Point } from '../layout.ts';
import { kindOf, titleOf } from '../names.ts';
import { html, type Markup } from './html.ts';

/** The network as a drawing, which the page's script moves, and room for what it says of the selected node. */
export function networkSection({ nodes, times }: ReportFacts): Markup {
  const { width, height, boxes, edges } = drawNetwork(nodes);
  const errors = errorShares(nodes.map(({ error }) => error?.alone));
  const shares = new Map<string, number>();
  for (const { node, share } of times.steps) shares.set(node, (shares.get(node) ?? 0) + share);
  const largestShare = Math.max(...shares.values());
  const hasErrors = nodes.some(({ error }) => error);
  const dtypes = new Map(nodes.map(({ name, dtype }) => [name, dtype]));
  const isBytes = (name: string) => ['uint8', 'int8'].includes(dtypes.get(name)!);
  const drawn = nodes.map((node, i) => {
    const share = shares.get(node.name);
    const spoken = [
      `${titleOf(node)} ${kindOf(node)}`,
      tensorText(node.dtype, node.shape),
      ...(node.error ? [`SQNR alone ${decibels(node.error.alone.sqnr)}`] : []),
      ...(share === undefined ? [] : [`${percent(share)} of the time`]),
    ].join(', ');
    const meters = [
      meter('error', boxes[i], errors[i]),
      meter('time', boxes[i], (share ?? 0) / largestShare),
    ];
    return nodeGroup(i, boxes[i], spoken, [node.name, ...node.inputs].some(isBytes), meters);
  });
  return html`<section id="network" aria-labelledby="network-title">
<h2 id="network-title">Network</h2>
<p>The graph as it runs. Filled boxes read or write 8-bit integers. Select one for its details; arrow keys move along the connections.</p>
<div class="tools">
<label class="search">Search <input type="search" id="search" autocomplete="off" placeholder="name, operator or kernel"></label>
<span id="matches" role="status"></span>
<fieldset><legend>Bars show</legend>
<label><input type="radio" name="meter" value="error" ${hasErrors ? 'checked' : 'disabled'}> error alone</label>
<label><input type="radio" name="meter" value="time" ${hasErrors ? '' : 'checked'}> time</label></fieldset>
<div class="zoom" role="group" aria-label="Zoom"><button type="button" data-zoom="out" aria-label="Smaller">−</button><button type="button" data-zoom="in" aria-label="Larger">+</button><button type="button" data-zoom="all">Whole graph</button></div>
</div>
<div class="network">
<svg id="graph" class="${hasErrors ? 'show-error' : 'show-time'}" role="group" aria-label="Graph of the network, ${nodes.length} nodes; the table of layers below tells the same" data-width="${Math.ceil(width)}" data-height="${Math.ceil(height)}">
<defs><marker id="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto"><path d="M0 0.8 7 4 0 7.2z"/></marker></defs>
<g id="viewport"><g class="edges" aria-hidden="true">${edges.map((points) => html`<path d="${lineThrough(points)}" marker-end="url(#arrow)"/>`)}</g>
${drawn}</g></svg>
<aside id="details" class="details" aria-labelledby="details-title" tabindex="0"><h3 id="details-title">No node selected</h3><p>Select a node in the graph, or by its name in a table.</p></aside>
</div></section>`;
}

function nodeGroup(
  index: number,
  { x, y, width, height, title, kind }: Box,
  spoken: string,
  hasBytes: boolean,
  meters: readonly Markup[],
): Markup {
  return html`<g class="node ${hasBytes ? 'bytes' : ''}" data-node="${index}" transform="translate(${x.toFixed(1)} ${y.toFixed(1)})" role="button" tabindex="${index === 0 ? 0 : -1}" aria-pressed="false" aria-label="${spoken}"><rect class="box" x="${(-width / 2).toFixed(1)}" y="${-height / 2}" width="${width.toFixed(1)}" height="${height}" rx="6"/><text class="title" y="-4">${title}</text> <text class="kind" y="13">${kind}</text>${meters}</g>
`;
}

function meter(what: string, { width, height }: Box, share: number): Markup {
  const room = width - 16;
  return html`<rect class="meter ${what}" x="${(-room / 2).toFixed(1)}" y="${height / 2 - 5}" width="${(room * share).toFixed(1)}" height="2.5" rx="1"/>`;
}

/** A smooth line: curves from middle to middle of the pieces. */
function lineThrough(points: readonly Point[]): string {
  const at = ({ x, y }: Point) => `${x.toFixed(1)} ${y.toFixed(1)}`;
  const [first, ...rest] = points;
  const last = rest.pop()!;
  const curves = rest.map((point, i) => {
    const next = rest[i + 1] ?? last;
    return `Q${at(point)} ${at({ x: (point.x + next.x) / 2, y: (point.y + next.y) / 2 })}`;
  });
  return `M${at(first)}${curves.join('')}L${at(last)}`;
}
