import { type Baselines, baselineOf } from './baseline.ts';
import type { Measurement } from './measure.ts';

const half = 0.5;

/** The figures that a server is chosen by, for each protocol of Octavo. */
export function verdicts(measurements: readonly Measurement[], baselines: Baselines): string[] {
  const peers = measurements.filter(({ contender }) => contender.server.kind === 'peer');
  const peer = Math.max(...peers.map(({ capacity }) => capacity.report.perSecond));
  const { ownMs } = baselines.single;
  return measurements
    .filter((one) => !peers.includes(one))
    .map(({ contender, capacity, rates }) => {
      const { perSecond } = capacity.report;
      const alone = (perSecond / baselineOf(contender, baselines).perSecond).toFixed(2);
      const { protocol, maxBatchSize } = contender;
      const how = maxBatchSize === undefined ? 'one by one' : `in batches of up to ${maxBatchSize}`;
      const atHalf = rates.find(({ share }) => share === half);
      const latency = atHalf
        ? `; at half of that its p99 is ${atHalf.turn.report.p99.toFixed(2)} ms (run() alone: ${ownMs.toFixed(2)} ms)`
        : '';
      const times = (perSecond / peer).toFixed(2);
      return `${protocol}, ${how}: ${alone} times the requests of run() alone, ${times} times those of the best peer${latency}.`;
    });
}
