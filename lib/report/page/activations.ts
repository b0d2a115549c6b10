import type { HistogramFacts, QuantizationFacts, ReportFacts } from '../facts.ts';
import { real, smallPercent } from '../format.ts';
import { titleOf } from '../names.ts';
import { html, type Markup } from './html.ts';
import { nodeButton } from './tables.ts';

/** A histogram of each quantized tensor; that which is clipped most first. */
export function activationsSection({ nodes }: ReportFacts): Markup | undefined {
  const drawn = [...nodes.keys()]
    .filter((i) => nodes[i].histogram)
    .sort((a, b) => nodes[b].histogram!.clipped - nodes[a].histogram!.clipped || a - b);
  if (drawn.length === 0) return undefined;
  return html`<section id="activations" aria-labelledby="activations-title">
<h2 id="activations-title">Activations</h2>
<p>What the float model computes, and in colour the range that 8 bits express; values beyond it are clipped. Heights are logarithms of counts, so that rare values are seen.</p>
<div class="gallery">
${drawn.map((i) => figure(i, titleOf(nodes[i]), nodes[i].histogram!, nodes[i].quantization!))}
</div></section>`;
}

const [width, height] = [240, 64];

function figure(index: number, title: string, histogram: HistogramFacts, range: QuantizationFacts): Markup {
  const { min, max, clipped } = histogram;
  const { low, high } = range;
  const description = `Values from ${real(min)} to ${real(max)}; the quantizer expresses ${real(low)} to ${real(high)}`;
  return html`<figure>
<figcaption>${nodeButton(index, title)}<span>${smallPercent(clipped)} clipped</span></figcaption>
${drawing(histogram, range, description)}
<p class="ends"><span>${real(Math.min(min, low))}</span><span>${real(Math.max(max, high))}</span></p>
</figure>
`;
}

function drawing(
  { min, max, counts }: HistogramFacts,
  { low, high }: QuantizationFacts,
  description: string,
): Markup {
  const [start, end] = [Math.min(min, low), Math.max(max, high)];
  const x = (value: number) => (width * (value - start)) / (end - start);
  const largest = Math.log1p(Math.max(...counts));
  const step = (x(max) - x(min)) / counts.length;
  const bars = counts.map((count, i) => {
    const top = height - (height * Math.log1p(count)) / largest;
    return `${i === 0 ? 'M' : 'L'}${(x(min) + i * step).toFixed(1)} ${top.toFixed(1)}h${step.toFixed(1)}`;
  });
  const outline = `M${x(min).toFixed(1)} ${height}${bars.join('').replace('M', 'L')}V${height}z`;
  return html`<svg class="histogram" viewBox="0 0 ${width} ${height}" preserveAspectRatio="none" role="img" aria-label="${description}"><rect class="range" x="${x(low).toFixed(1)}" width="${(x(high) - x(low)).toFixed(1)}" height="${height}"/><path class="values" d="${outline}"/><path class="limits" d="M${x(low).toFixed(1)} 0v${height}M${x(high).toFixed(1)} 0v${height}"/></svg>`;
}
