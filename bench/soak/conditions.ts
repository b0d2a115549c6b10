import { quantile } from '../../lib/statistics.ts';
import type { Sample } from './probe.ts';
import type { Outcomes } from './traffic.ts';

/** Something that has to hold, and whether it did. */
export interface Condition {
  readonly holds: boolean;
  readonly text: string;
}

/** Resident memory may grow by so much after the first minute: what the collector leaves behind comes and goes. */
const mostGrowth = 0.05;
const mostLoopMs = 10;
const warmSeconds = 60;

/** @param samples one a second. */
export function conditionsOf(
  { wrong, lost }: Outcomes,
  faults: ReadonlyMap<string, number>,
  samples: readonly Sample[],
  exitCode: number | null,
): readonly Condition[] {
  const loop = quantile(
    samples.map(({ loopP99Ms }) => loopP99Ms),
    0.5,
  );
  const worst = Math.max(...samples.map(({ loopP99Ms }) => loopP99Ms));
  return [
    { holds: wrong === 0, text: 'every answer has the bits of the model alone' },
    { holds: lost.size === 0, text: `no request is lost${listOf(lost)}` },
    { holds: faults.size === 0, text: `those that do not behave are refused${listOf(faults)}` },
    {
      holds: loop < mostLoopMs,
      text: `event loop, p99 of each second: ${loop.toFixed(1)} ms in the median, ${worst.toFixed(1)} ms at most; below ${mostLoopMs} ms`,
    },
    memoryCondition(samples),
    { holds: exitCode === 0, text: `exit code ${exitCode} after SIGTERM` },
  ];
}

function memoryCondition(samples: readonly Sample[]): Condition {
  const memory = samples.map(({ residentMb }) => residentMb);
  const settled = memory.slice(warmSeconds);
  // Of half a minute at each end: a moment's garbage is no growth.
  if (settled.length < 60)
    return {
      holds: true,
      text: `memory: ${memory.at(-1)?.toFixed(0)} MiB at the end; growth is judged from two minutes on`,
    };
  const [before, after] = [settled.slice(0, 30), settled.slice(-30)].map((part) => quantile(part, 0.5));
  const growth = after / before - 1;
  return {
    holds: growth < mostGrowth,
    text: `memory: ${before.toFixed(0)} MiB after the first minute, ${after.toFixed(0)} MiB at the end, ${(100 * growth).toFixed(1)} % more; below ${100 * mostGrowth} %`,
  };
}

const listOf = (counts: ReadonlyMap<string, number>): string =>
  [...counts].map(([what, count]) => `; ${count} times: ${what}`).join('');
