import type { ReportFacts } from '../facts.ts';
import { html, type Markup } from './html.ts';

/** Where, when and by what the report was made. */
export function settingSection({ machine, command, made }: ReportFacts): Markup {
  const facts = [
    ['Processor', `${machine.processor}, ${machine.cores} cores`],
    ['Instruction set in use', machine.instructionSet],
    ['oneDNN', machine.oneDnn],
    ['Node.js', machine.node],
    ['Octavo', machine.octavo],
    ['Made', made.slice(0, 16).replace('T', ' ').concat(' UTC')],
  ];
  return html`<section id="setting" aria-labelledby="setting-title">
<h2 id="setting-title">Setting</h2>
<dl class="facts">${facts.map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>
${command === undefined ? undefined : html`<pre tabindex="0" role="region" aria-label="Command"><code>${command}</code></pre>`}
</section>`;
}
