import type { StepProfile } from './step-profile.ts';
import { countThreads } from './threads.ts';

/** Profiled runs of one plan, under the name that the trace shows. */
export interface TracedRuns {
  readonly name: string;
  /** Threads of the stream that computed them. */
  readonly threads: number;
  readonly runs: readonly (readonly StepProfile[])[];
}

/** One event of the Trace Event Format, as Chrome's tracing and Perfetto read it; times in microseconds. */
export type TraceEvent =
  | {
      readonly ph: 'X';
      readonly name: string;
      readonly cat: string;
      readonly ts: number;
      readonly dur: number;
      readonly pid: number;
      readonly tid: number;
      readonly args: Readonly<Record<string, string | number>>;
    }
  | {
      readonly ph: 'M';
      readonly name: 'process_name' | 'thread_name';
      readonly pid: number;
      readonly tid: number;
      readonly args: { readonly name: string };
    };

/** A trace: the JSON object form of the format. */
export interface Trace {
  readonly traceEvents: readonly TraceEvent[];
  readonly displayTimeUnit: 'ms';
}

/** The rates of a step: billions of operations (two for each multiply-add) and gigabytes a second. */
export function ratesOf(
  { multiplyAdds, bytes }: Pick<StepProfile, 'multiplyAdds' | 'bytes'>,
  nanoseconds: number,
): { readonly gops: number; readonly gigabytesPerSecond: number } {
  // A step that ends before the clock ticks has lasted less than a nanosecond.
  const time = Math.max(1, nanoseconds);
  return { gops: (2 * multiplyAdds) / time, gigabytesPerSecond: bytes / time };
}

/**
 * The trace of profiled runs. It has a process for each plan; in it a thread with one complete event for each run and,
 * inside that, one for each step. If parts of a batch are computed at the same time, each thread has the steps of its
 * own parts. Time begins with the first step. Counterpart: `torch.profiler`'s `export_chrome_trace`.
 */
export function traceOf(plans: readonly TracedRuns[]): Trace {
  const starts = plans.flatMap(({ runs }) => runs.flatMap((run) => run.map(({ start }) => start)));
  const origin = starts.reduce((least, start) => Math.min(least, start), Number.POSITIVE_INFINITY);
  const time = (start: number, nanoseconds: number) => ({
    ts: (start - origin) / 1000,
    dur: nanoseconds / 1000,
  });
  const traceEvents = plans.flatMap(({ name, threads, runs }, index): TraceEvent[] => {
    const pid = index + 1;
    const lanes = new Set(runs.flat().flatMap((step) => step.runs.map(({ lane }) => lane)));
    const threadName = (lane: number): TraceEvent => {
      const worker = lanes.size > 1 ? `thread ${lane + 1} of ${lanes.size}` : countThreads(threads);
      return { ph: 'M', name: 'thread_name', pid, tid: lane + 1, args: { name: `stream (${worker})` } };
    };
    return [
      { ph: 'M', name: 'process_name', pid, tid: 1, args: { name } },
      ...[...lanes].sort((a, b) => a - b).map(threadName),
      ...runs
        .filter((run) => run.length > 0)
        .flatMap((run, i): TraceEvent[] => {
          const whole = time(run[0].start, spanOf(run));
          return [
            { ph: 'X', name: `run ${i + 1}`, cat: 'run', ...whole, pid, tid: 1, args: { steps: run.length } },
            ...stepsInOrder(run).map(
              ({ step, part, lane, start, nanoseconds }): TraceEvent => ({
                ph: 'X',
                name: step.node,
                cat: step.op,
                ...time(start, nanoseconds),
                pid,
                tid: lane + 1,
                args: argumentsOf(step, part, nanoseconds),
              }),
            ),
          ];
        }),
    ];
  });
  return { traceEvents, displayTimeUnit: 'ms' };
}

/** Nanoseconds from the beginning of a profiled run's first step to the end of its last. */
export function spanOf(run: readonly StepProfile[]): number {
  const times = run.flatMap(({ runs }) => runs);
  const end = times.reduce((last, { start, nanoseconds }) => Math.max(last, start + nanoseconds), 0);
  return end - times.reduce((first, { start }) => Math.min(first, start), end);
}

/** Every execution of each step, in the order in which the threads ran it. */
function stepsInOrder(run: readonly StepProfile[]) {
  return run
    .flatMap((step) => step.runs.map((each, part) => ({ step, part, ...each })))
    .sort((a, b) => a.lane - b.lane || a.start - b.start);
}

function argumentsOf(
  step: StepProfile,
  part: number,
  nanoseconds: number,
): Readonly<Record<string, string | number>> {
  const { node, operators, target, implementation, inputDtype, dtype, shape, runs } = step;
  const work = { multiplyAdds: step.multiplyAdds / runs.length, bytes: step.bytes / runs.length };
  return {
    node,
    operators: operators.join(' + '),
    target: target ?? 'copy (put in by the plan)',
    implementation,
    inputDtype,
    dtype,
    shape: `[${shape.join(', ')}]`,
    ...(runs.length > 1 ? { part } : {}),
    ...work,
    ...ratesOf(work, nanoseconds),
  };
}
