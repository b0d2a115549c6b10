import { monitorEventLoopDelay } from 'node:perf_hooks';

/** What happened while requests came in. */
export interface LoadResult {
  /** Of each request that was answered in time, from its call to its result. */
  readonly milliseconds: readonly number[];
  readonly requestsPerSecond: number;
  /**
   * How late timers of 1 ms were, for 99 of 100 of them, in milliseconds: what everything else that the process does would
   * have to wait. An idle process has about 1.2.
   */
  readonly eventLoopP99Ms: number;
}

/** Keeps so many requests in flight for a while: each that is answered is followed by the next at once. */
export async function offerLoad(
  run: () => Promise<unknown>,
  inFlight: number,
  milliseconds: number,
): Promise<LoadResult> {
  await Promise.all(Array.from({ length: inFlight }, run));
  const times: number[] = [];
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  const begin = performance.now();
  const end = begin + milliseconds;
  const client = async () => {
    for (let start = begin; start < end; ) {
      await run();
      const now = performance.now();
      // Those answered after the end ran beside fewer others.
      if (now <= end) times.push(now - start);
      start = now;
    }
  };
  const clients = Promise.all(Array.from({ length: inFlight }, client));
  await new Promise((resolve) => setTimeout(resolve, milliseconds));
  delay.disable();
  await clients;
  return {
    milliseconds: times,
    requestsPerSecond: times.length / (milliseconds / 1000),
    eventLoopP99Ms: delay.percentile(99) / 1e6,
  };
}
