import type { GraphModule, ModelInputs } from '../graph/index.ts';
import { calibrate, HistogramObserver } from '../quantization/index.ts';
import type { HistogramFacts, QuantizationFacts } from './facts.ts';

/** Bars that a page can show next to each other. The observer's 2048 bins are a multiple. */
const bars = 64;

/**
 * Runs the float model and counts the values of some of its nodes.
 * @param names of these nodes.
 * @returns by name.
 */
export async function observeValues(
  reference: GraphModule,
  names: ReadonlySet<string>,
  batches: AsyncIterable<ModelInputs> | Iterable<ModelInputs>,
  options: { readonly signal?: AbortSignal },
): Promise<ReadonlyMap<string, HistogramObserver>> {
  const observed = reference.clone();
  const observers = new Map<string, HistogramObserver>();
  for (const node of observed.graph.nodes) {
    if (!names.has(node.name)) continue;
    const path = observed.unusedAttribute(`${node.name}_histogram`);
    const observer = new HistogramObserver();
    observers.set(node.name, observer);
    observed.modules.set(path, observer);
    const call = observed.graph.insertingAfter(node, () => observed.graph.callModule(path, [node]));
    node.replaceAllUsesWith(call);
  }
  if (observers.size > 0) await calibrate(observed, batches, options);
  return observers;
}

/** What was counted, in fewer bars, with the share of values that a quantizer clips: those that it would round to a number beyond its range. */
export function histogramOf(
  { minVal, maxVal, histogram }: HistogramObserver,
  { low, high, scale }: QuantizationFacts,
): HistogramFacts {
  // The observer counts a value that never changes in a range that extends by one on either side.
  const [min, max] = minVal === maxVal ? [minVal - 1, maxVal + 1] : [minVal, maxVal];
  const width = (max - min) / histogram.length;
  const total = histogram.reduce((sum, count) => sum + count, 0);
  const kept = histogram.reduce((sum, count, bin) => {
    const start = min + bin * width;
    const inside = Math.min(high + scale / 2, start + width) - Math.max(low - scale / 2, start);
    return sum + count * Math.min(1, Math.max(0, inside / width));
  }, 0);
  const inBar = histogram.length / bars;
  const counts = Array.from({ length: bars }, (_, bar) =>
    histogram.subarray(bar * inBar, (bar + 1) * inBar).reduce((sum, count) => sum + count, 0),
  );
  return { min, max, counts, clipped: Math.max(0, 1 - kept / total) };
}
