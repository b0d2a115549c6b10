import type { ReportFacts, StepFacts } from '../facts.ts';
import { byteSize, duration, percent, tensorText } from '../format.ts';
import { titleOf } from '../names.ts';
import { html, type Markup } from './html.ts';
import { bar, type Cell, type Column, nodeButton, sortableTable } from './tables.ts';

const columns: readonly Column[] = [
  { heading: 'Step of' },
  { heading: 'Kernel' },
  { heading: 'Time', isNumber: true, sorted: 'descending' },
  { heading: 'Share', isNumber: true },
  { heading: 'Share drawn' },
  { heading: 'Limited by' },
  { heading: 'Of the roofline', isNumber: true },
];

/** The steps of one request, the slowest first, next to what the machine can do. */
export function timeSection(facts: ReportFacts): Markup {
  const { nodes, times, roofline, machine } = facts;
  const indices = new Map(nodes.map(({ name }, i) => [name, i]));
  const largest = Math.max(...times.steps.map(({ share }) => share)) || 1;
  const rows = times.steps
    .toSorted((a, b) => b.nanoseconds - a.nanoseconds)
    .map((step) => cells(step, step.share / largest, indices.get(step.node), facts));
  const inputs = times.inputs
    .map(({ name, dtype, shape }) => `${name}: ${tensorText(dtype, shape)}`)
    .join(', ');
  const hasProducts = Object.keys(roofline.gops).length > 0;
  return html`<section id="time" aria-labelledby="time-title">
<h2 id="time-title">Time</h2>
<p>Medians of ${times.runs} runs of ${inputs} on ${machine.threads === 1 ? '1 thread' : `${machine.threads} threads`}. A step needs at least the time of its products, or of moving its tensors, whichever is longer. How near it comes to that at this machine's best rates is its part of the <em>roofline</em>. A little more than 100 % is possible where tensors are still in a cache.</p>
<dl class="facts rates">${rates(facts)}</dl>
${hasProducts ? html`<div id="roofline" class="plot"></div>` : undefined}
${sortableTable('Steps of one request', columns, rows)}
</section>`;
}

/** What the machine did at best in the same run. */
function rates({ roofline }: ReportFacts): Markup[] {
  const products = Object.entries(roofline.gops).map(([type, gops]) => [
    `Best ${type} product`,
    `${gops.toFixed(0)} Gop/s, square matrices`,
  ]);
  const memory = roofline.memory.map(({ bytes, gigabytesPerSecond }) => [
    `Tensors up to ${byteSize(bytes)}`,
    `${gigabytesPerSecond.toFixed(0)} GB/s, read and written`,
  ]);
  return [...products, ...memory].map(([name, rate]) => html`<div><dt>${name}</dt><dd>${rate}</dd></div>`);
}

function cells(step: StepFacts, share: number, index: number | undefined, { nodes }: ReportFacts): Cell[] {
  const title = index === undefined ? step.node : titleOf(nodes[index]);
  const kernel = `${step.op} ${step.implementation}`;
  return [
    { content: index === undefined ? title : nodeButton(index, title), sortBy: title },
    { content: html`<code>${kernel}</code>`, sortBy: kernel },
    { content: duration(step.nanoseconds), sortBy: step.nanoseconds },
    { content: percent(step.share), sortBy: step.share },
    { content: bar(share), sortBy: step.share },
    { content: step.bound.by, sortBy: step.bound.by },
    { content: percent(step.efficiency, 0), sortBy: step.efficiency },
  ];
}
