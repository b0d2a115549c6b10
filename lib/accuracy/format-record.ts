import { alignColumns } from '../runtime/text-columns.ts';
import type { AccuracyAttempt, AccuracyControlRecord } from './record.ts';

/**
 * A record as text: a line for each attempt, which was kept or not, or is what was returned, and one for where it ended.
 *
 * @example
 * const { record } = await quantizeWithAccuracyControl(model, batches, evaluate, { maxDrop: 0.5 });
 * console.log(formatAccuracyControl(record));
 */
export function formatAccuracyControl(record: AccuracyControlRecord): string {
  const { floatMetric, metric, maxDrop, isReached, relativeTime, attempts, returned } = record;
  const head = ['tried', 'layers', 'output error', 'metric', 'time', 'kept'];
  const float = ['float', '', '', formatMetric(floatMetric), '1.00', ''];
  const rows = attempts.map((each, i) => [
    each.detail === null ? each.technique : `${each.technique} (${each.detail})`,
    formatLayers(each),
    each.outputError.toPrecision(3),
    each.metric === null ? '' : formatMetric(each.metric),
    each.relativeTime === null ? '' : each.relativeTime.toFixed(2),
    i === returned ? 'returned' : each.isKept ? 'yes' : 'no',
  ]);
  const drop = `drop ${formatMetric(floatMetric - metric)} of at most ${maxDrop}`;
  return [
    ...alignColumns([head, float, ...rows]),
    `${isReached ? 'reached' : 'not reached'}: ${drop}, ${formatQuantized(record)} quantized, time ${relativeTime.toFixed(2)} of float's`,
  ].join('\n');
}

/** Metrics have any unit: six significant digits, or fewer if the others are zero. */
const formatMetric = (metric: number) => String(Number(metric.toPrecision(6)));

function formatQuantized({ inFloat, quantized }: AccuracyControlRecord): string {
  if (quantized.length === 0) return 'no layer';
  return inFloat.length === 0 ? 'every layer' : `all layers but ${inFloat.join(', ')}`;
}

/** More names than a line holds are counted. */
function formatLayers({ layers }: AccuracyAttempt): string {
  if (layers.length <= 3) return layers.join(' ');
  return `${layers.slice(0, 2).join(' ')} and ${layers.length - 2} more`;
}
