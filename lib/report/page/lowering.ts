import type { ReportFacts } from '../facts.ts';
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
