import type { StepProfile } from './compiled-model.ts';

/** Profiled runs of one plan, under the name that the trace shows them by. */
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

/** The rates of a step: billions of operations (two a multiply-add) and gigabytes a second. */
export function ratesOf(
  { multiplyAdds, bytes }: StepProfile,
  nanoseconds: number,
): { readonly gops: number; readonly gigabytesPerSecond: number } {
  // A step that is over before the clock has ticked has taken less than a nanosecond.
  const time = Math.max(1, nanoseconds);
  return { gops: (2 * multiplyAdds) / time, gigabytesPerSecond: bytes / time };
}

/**
 * The trace of profiled runs: one process for each plan, in it a thread with one complete event a run and, inside that,
 * one a step. Time begins with the first step. Counterpart: `torch.profiler`'s `export_chrome_trace`.
 */
export function traceOf(plans: readonly TracedRuns[]): Trace {
  const starts = plans.flatMap(({ runs }) => runs.flatMap((run) => run.map(({ start }) => start)));
  const origin = starts.reduce((least, start) => Math.min(least, start), Number.POSITIVE_INFINITY);
  const microseconds = (nanoseconds: number) => nanoseconds / 1000;
  const traceEvents = plans.flatMap(({ name, threads, runs }, index): TraceEvent[] => {
    const place = { pid: index + 1, tid: 1 };
    const worker = `stream (${threads} ${threads === 1 ? 'thread' : 'threads'})`;
    return [
      { ph: 'M', name: 'process_name', ...place, args: { name } },
      { ph: 'M', name: 'thread_name', ...place, args: { name: worker } },
      ...runs
        .filter((run) => run.length > 0)
        .flatMap((run, i): TraceEvent[] => {
          const [first, last] = [run[0], run[run.length - 1]];
          return [
            {
              ph: 'X',
              name: `run ${i + 1}`,
              cat: 'run',
              ts: microseconds(first.start - origin),
              dur: microseconds(last.start + last.nanoseconds - first.start),
              ...place,
              args: { steps: run.length },
            },
            ...run.map(
              (step): TraceEvent => ({
                ph: 'X',
                name: step.node,
                cat: step.op,
                ts: microseconds(step.start - origin),
                dur: microseconds(step.nanoseconds),
                ...place,
                args: argumentsOf(step),
              }),
            ),
          ];
        }),
    ];
  });
  return { traceEvents, displayTimeUnit: 'ms' };
}

function argumentsOf(step: StepProfile): Readonly<Record<string, string | number>> {
  const { node, operators, target, implementation, inputDtype, dtype, shape, multiplyAdds, bytes } = step;
  return {
    node,
    operators: operators.join(' + '),
    target: target ?? 'copy (put in by the plan)',
    implementation,
    inputDtype,
    dtype,
    shape: `[${shape.join(', ')}]`,
    multiplyAdds,
    bytes,
    ...ratesOf(step, step.nanoseconds),
  };
}
