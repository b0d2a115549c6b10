import type { ReportFacts } from '../facts.ts';
import { byteSize, decibels, duration, percent, sortableDecibels } from '../format.ts';
import { titleOf } from '../names.ts';
import { type Content, html, type Markup } from './html.ts';

/** The few numbers that people look for first. */
export function summary({ sizes, accuracy, times, nodes, refusals }: ReportFacts): Markup {
  const compared = nodes.filter(({ error }) => error);
  const worst = compared.toSorted((a, b) => sqnrOf(a) - sqnrOf(b))[0];
  const results = new Set(nodes.flatMap(({ kind, inputs }) => (kind === 'output' ? inputs : [])));
  const returned = compared.filter(({ name }) => results.has(name));
  const least = returned.toSorted((a, b) => accumulatedOf(a) - accumulatedOf(b))[0];
  const last = compared.at(-1);
  return html`<dl class="summary">
${tile('Weights', byteSize(sizes.model.weights), sizes.reference && `float model ${byteSize(sizes.reference.weights)}`)}
${sizes.model.file === undefined ? undefined : tile('File', byteSize(sizes.model.file), sizes.reference?.file === undefined ? undefined : `float model ${byteSize(sizes.reference.file)}`)}
${accuracy && tile('Top-1 accuracy', top1(accuracy.model), accuracy.reference && `float model ${top1(accuracy.reference)}`)}
${tile('Time of a request', duration(times.total.model), times.total.reference === undefined ? undefined : `float model ${duration(times.total.reference)}`)}
${least ? tile('SQNR of the result', decibels(least.error!.together.sqnr), returned.length === 1 ? 'with the errors of all layers' : `the worst of ${returned.length}, with the errors of all layers`) : last && tile('SQNR of the last layer', decibels(last.error!.together.sqnr), `${titleOf(last)}, with the errors of all layers`)}
${worst && tile('Worst layer alone', decibels(worst.error!.alone.sqnr), titleOf(worst))}
${tile('Not fused', String(refusals.length), refusals.length === 0 ? 'every quantized pattern is one kernel' : 'quantized patterns')}
</dl>`;
}

const sqnrOf = ({ error }: ReportFacts['nodes'][number]) => sortableDecibels(error!.alone.sqnr);

const accumulatedOf = ({ error }: ReportFacts['nodes'][number]) => sortableDecibels(error!.together.sqnr);

const top1 = ({ correct, total }: { correct: number; total: number }) => percent(correct / total, 2);

const tile = (name: string, value: string, note: Content) =>
  html`<div><dt>${name}</dt><dd><strong>${value}</strong>${note === undefined ? undefined : html`<span>${note}</span>`}</dd></div>`;
