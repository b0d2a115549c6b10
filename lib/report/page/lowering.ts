import type { AccuracyControlFacts, ReportFacts } from '../facts.ts';
import { html, type Markup } from './html.ts';
import { sortableTable } from './tables.ts';

/** What lowering could not fuse, and what it did. */
export function loweringSection({ refusals, passes }: ReportFacts): Markup {
  const refused = refusals.map(({ node, pass, reason }) => [
    { content: html`<code>${node}</code>`, sortBy: node },
    { content: pass, sortBy: pass },
    { content: reason, sortBy: reason },
  ]);
  const done = passes.map(({ pass, count }) => [
    { content: pass, sortBy: pass },
    { content: String(count), sortBy: count },
  ]);
  return html`<section id="lowering" aria-labelledby="lowering-title">
<h2 id="lowering-title">Lowering</h2>
${
  refused.length === 0
    ? html`<p>Every quantized pattern runs as one kernel on 8-bit integers.</p>`
    : html`<p>These quantized patterns run in float or in several steps.</p>
${sortableTable('Patterns that were not fused', [{ heading: 'Node' }, { heading: 'Pass' }, { heading: 'Reason' }], refused)}`
}
${
  done.length === 0
    ? undefined
    : html`<details><summary>What each pass changed</summary>
${sortableTable('Changes by pass', [{ heading: 'Pass' }, { heading: 'Changes', isNumber: true }], done)}</details>`
}
</section>`;
}

/** What accuracy control tried, in the order in which it did. */
export function accuracyControlSection({ maxDrop, trials }: AccuracyControlFacts): Markup {
  const rows = trials.map(({ inFloat, metric, accepted }, i) => [
    { content: String(i + 1), sortBy: i },
    { content: inFloat.join(', ') || 'none', sortBy: inFloat.length },
    { content: metric.toPrecision(5), sortBy: metric },
    { content: accepted ? 'yes' : 'no', sortBy: accepted ? 1 : 0 },
  ]);
  return html`<section id="accuracy-control" aria-labelledby="accuracy-control-title">
<h2 id="accuracy-control-title">Accuracy control</h2>
<p>Layers were put back to float until the metric was at most ${String(maxDrop)} below that of the float model.</p>
${sortableTable('What accuracy control tried', [{ heading: 'Trial' }, { heading: 'Layers in float' }, { heading: 'Metric', isNumber: true }, { heading: 'Good enough' }], rows)}
</section>`;
}
