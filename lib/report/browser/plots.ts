import * as Plot from '@observablehq/plot';
import { channelColumns, extentOf } from '../channels.ts';
import type { HistogramFacts, QuantizationFacts, ReportFacts, WeightFacts } from '../facts.ts';
import { real } from '../format.ts';
import { titleOf } from '../names.ts';

/** A plot is one picture to a screen reader: the names of its parts would be read for each mark. */
function described(plot: Element, description: string): Element {
  for (const part of plot.querySelectorAll('[aria-label]')) part.removeAttribute('aria-label');
  plot.setAttribute('role', 'img');
  plot.setAttribute('aria-label', description);
  return plot;
}

/** Where the bars of a histogram begin: a logarithm of nothing there is not. */
const fewest = 0.5;

/** `20K` */
const compact = (count: number) => new Intl.NumberFormat('en', { notation: 'compact' }).format(count);

const small = {
  width: 340,
  height: 170,
  marginLeft: 44,
  marginBottom: 34,
  style: { background: 'none' },
} as const;

export function histogramPlot(
  { min, max, counts }: HistogramFacts,
  { low, high }: QuantizationFacts,
): Element {
  const width = (max - min) / counts.length;
  const bars = counts
    .map((count, i) => ({ x1: min + i * width, x2: min + (i + 1) * width, count }))
    .filter(({ count }) => count > fewest);
  const plot = Plot.plot({
    ...small,
    x: { label: 'value', domain: [Math.min(min, low), Math.max(max, high)], ticks: 5 },
    y: { type: 'log', label: 'count', domain: [fewest, Math.max(...counts)], ticks: 4, tickFormat: compact },
    marks: [
      Plot.rect([0], { x1: low, x2: high, fill: 'var(--accent)', fillOpacity: 0.12 }),
      Plot.rectY(bars, {
        x1: 'x1',
        x2: 'x2',
        y1: fewest,
        y2: 'count',
        fill: 'currentColor',
        fillOpacity: 0.55,
        insetLeft: 0.3,
        insetRight: 0.3,
      }),
      Plot.ruleX([low, high], { stroke: 'var(--accent)', strokeWidth: 1.5 }),
      Plot.ruleY([fewest]),
    ],
  });
  return described(
    plot,
    `Histogram of values from ${real(min)} to ${real(max)}; the quantizer expresses ${real(low)} to ${real(high)}`,
  );
}

export function channelPlot(weight: WeightFacts): Element {
  const columns = channelColumns(weight, 240);
  const { low, high } = extentOf(weight);
  const count = weight.min.length;
  const plot = Plot.plot({
    ...small,
    x: { label: 'output channel', domain: [0, count], ticks: 5, tickFormat: 'd' },
    y: { label: 'weight', ticks: 5 },
    marks: [
      Plot.ruleX(columns, {
        x: 'channel',
        y1: 'low',
        y2: 'high',
        stroke: 'currentColor',
        strokeOpacity: 0.6,
        strokeWidth: Math.min(6, 200 / columns.length),
      }),
      Plot.ruleY([0], { strokeOpacity: 0.4 }),
    ],
  });
  return described(
    plot,
    `Ranges of ${count} output channels; all weights are from ${real(low)} to ${real(high)}`,
  );
}

/** Steps with products in the plane of operations for each byte and operations a second, under the roof. */
export function rooflinePlot(
  { times, roofline, nodes }: ReportFacts,
  width: number,
  onSelect: (index: number) => void,
): Element {
  const indices = new Map(nodes.map(({ name }, i) => [name, i]));
  const points = times.steps
    .filter(({ multiplyAdds, node }) => multiplyAdds > 0 && indices.has(node))
    .map((step) => {
      const operations = 2 * step.multiplyAdds;
      const index = indices.get(step.node)!;
      return {
        index,
        title: titleOf(nodes[index]),
        intensity: operations / step.bytes,
        gops: operations / step.nanoseconds,
        share: step.share,
      };
    });
  const intensities = points.map(({ intensity }) => intensity);
  const ends = [Math.min(...intensities, 1) / 1.5, Math.max(...intensities) * 1.5];
  const roofs = Object.entries(roofline.gops).flatMap(([type, gops]) =>
    roofline.memory.map(({ gigabytesPerSecond, bytes }) => ({
      name: `${type} ${bytes}`,
      corners: [ends[0], Math.min(gops / gigabytesPerSecond, ends[1]), ends[1]].map((intensity) => ({
        intensity,
        gops: Math.min(gops, intensity * gigabytesPerSecond),
        name: `${type} ${bytes}`,
      })),
    })),
  );
  const plot = Plot.plot({
    width,
    height: 340,
    marginLeft: 52,
    style: { background: 'none' },
    marginTop: 30,
    x: { type: 'log', label: 'operations for each byte', domain: ends, ticks: 6, tickFormat: compact },
    y: { type: 'log', label: 'Gop/s', ticks: 6, tickFormat: compact, grid: true },
    r: { range: [2, 10] },
    marks: [
      Plot.line(
        roofs.flatMap(({ corners }) => corners),
        { x: 'intensity', y: 'gops', z: 'name', stroke: 'var(--accent)', strokeOpacity: 0.7 },
      ),
      Plot.dot(points, {
        x: 'intensity',
        y: 'gops',
        r: 'share',
        fill: 'currentColor',
        fillOpacity: 0.35,
        stroke: 'currentColor',
        title: 'title',
        tip: true,
      }),
      Plot.text(Object.entries(roofline.gops), {
        x: ends[1],
        y: '1',
        text: '0',
        textAnchor: 'end',
        dy: -8,
        fill: 'currentColor',
      }),
    ],
  });
  plot.addEventListener('click', () => {
    const { value } = plot as unknown as { value: { index: number } | null };
    if (value) onSelect(value.index);
  });
  return described(
    plot,
    `${points.length} steps under the roofline: operations a second by operations for each byte moved. The table below has the numbers.`,
  );
}
