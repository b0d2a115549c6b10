import { markdownTable } from 'markdown-table';
import { type Baseline, type Baselines, baselineOf } from './baseline.ts';
import type { Contender } from './contender.ts';
import type { Turn } from './match.ts';
import type { Measurement } from './measure.ts';

const time = (milliseconds: number): string => milliseconds.toFixed(milliseconds < 10 ? 2 : 1);
const often = (perSecond: number): string => perSecond.toFixed(perSecond < 100 ? 1 : 0);
const percent = (fraction: number): string => `${(100 * fraction).toFixed(0)} %`;

const nameColumns = ['server', 'protocol', 'batches of'];
const namesOf = ({ name, protocol, maxBatchSize }: Contender): string[] => [
  name,
  protocol,
  maxBatchSize === undefined ? '' : String(maxBatchSize),
];

function table(columns: readonly string[], rows: readonly string[][]): string {
  const heading = [...nameColumns, ...columns];
  return markdownTable([heading, ...rows], { align: heading.map((_, i) => (i < 2 ? 'l' : 'r')) });
}

/** What a server's CPU time has beyond the model's, as a fraction. */
export function shareBeyondModel({ serverCpu: { eventLoop, others } }: Turn, { cpuMs }: Baseline): number {
  return Math.max(0, 1 - cpuMs / (eventLoop + others));
}

/** What servers can do at most, and the CPU time that a request costs then. */
export function capacityTable(measurements: readonly Measurement[], baselines: Baselines): string {
  const columns = ['requests/s', 'of run() alone', 'event loop ms', 'other threads ms', 'not the model'];
  const rows = measurements.map(({ contender, capacity }) => {
    const baseline = baselineOf(contender, baselines);
    const { report, serverCpu, clientCpuMs, otherLoad } = capacity;
    return [
      ...namesOf(contender),
      often(report.perSecond),
      `${(report.perSecond / baseline.perSecond).toFixed(2)}x`,
      time(serverCpu.eventLoop),
      time(serverCpu.others),
      percent(shareBeyondModel(capacity, baseline)),
      time(clientCpuMs),
      otherLoad.toFixed(2),
    ];
  });
  return table([...columns, 'client ms', 'other load'], rows);
}

/** Latency at parts of the capacity. */
export function rateTable(measurements: readonly Measurement[]): string {
  const columns = ['load', 'requests/s', 'p50 ms', 'p95 ms', 'p99 ms', 'p99.9 ms', 'sent late, p99 ms'];
  const rows = measurements.flatMap(({ contender, rates }) =>
    rates.map(({ share, rate, turn: { report, otherLoad } }) => [
      ...namesOf(contender),
      percent(share),
      often(rate),
      ...[report.p50, report.p95, report.p99, report.p999, report.lateP99].map(time),
      String(report.refused),
      otherLoad.toFixed(2),
    ]),
  );
  return table([...columns, 'refused', 'other load'], rows);
}

/** The highest rates within bounds. */
export function boundTable(measurements: readonly Measurement[]): string {
  const columns = measurements[0].highest.map(({ boundMs }) => `requests/s, p99 ≤ ${time(boundMs)} ms`);
  const rows = measurements.map(({ contender, highest }) => [
    ...namesOf(contender),
    ...highest.map(({ rate }) => (rate === 0 ? 'none' : often(rate))),
  ]);
  return table(columns, rows);
}
