import type { AccuracyAttempt, AccuracyControlRecord } from '../../accuracy/index.ts';
import { percent, real } from '../format.ts';
import { html, type Markup } from './html.ts';
import { type Cell, type Column, sortableTable } from './tables.ts';

const columns: readonly Column[] = [
  { heading: 'Attempt', isNumber: true, sorted: 'ascending' },
  { heading: 'Tried' },
  { heading: 'Layers' },
  { heading: 'Output error', isNumber: true },
  { heading: 'Metric', isNumber: true },
  { heading: 'Time of float', isNumber: true },
  { heading: 'Kept' },
];

/** What accuracy control tried, in the order in which it did. */
export function accuracyControlSection(facts: AccuracyControlRecord): Markup {
  const { maxDrop, isReached, floatMetric, metric, attempts, inFloat } = facts;
  const layers = inFloat.length === 0 ? 'no layer' : inFloat.join(', ');
  return html`<section id="accuracy-control" aria-labelledby="accuracy-control-title">
<h2 id="accuracy-control-title">Accuracy control</h2>
<p>The metric is ${real(metric)}, and the float model's ${real(floatMetric)}. A drop of at most ${real(maxDrop)} was wanted, which was ${isReached ? 'reached' : 'not reached'}, with ${layers} in float.</p>
${sortableTable('What accuracy control tried', columns, attempts.map(cells))}
</section>`;
}

function cells(attempt: AccuracyAttempt, i: number): Cell[] {
  const { technique, detail, layers, outputError, metric, relativeTime, isKept } = attempt;
  const tried = detail === null ? technique : `${technique} (${detail})`;
  return [
    { content: i + 1, sortBy: i },
    { content: tried, sortBy: tried },
    { content: layers.join(', ') || 'the whole model', sortBy: layers.length },
    { content: percent(outputError), sortBy: outputError },
    measured(metric, real),
    measured(relativeTime, (time) => percent(time, 0)),
    { content: isKept ? 'yes' : 'no', sortBy: isKept ? 0 : 1 },
  ];
}

const measured = (value: number | null, format: (value: number) => string): Cell =>
  value === null ? { content: '–' } : { content: format(value), sortBy: value };
