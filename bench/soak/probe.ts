import { monitorEventLoopDelay } from 'node:perf_hooks';

/** What a server says of itself. */
export interface Sample {
  /** How late timers of 1 ms were since the sample before, for 99 of 100 of them, in milliseconds. */
  readonly loopP99Ms: number;
  readonly residentMb: number;
}

/** Loaded into the server's process before all else: it answers every message with a {@link Sample}. */

const delay = monitorEventLoopDelay({ resolution: 1 });
delay.enable();
process.on('message', () => {
  // The histogram holds the times between timers.
  const loopP99Ms = Math.max(0, delay.percentile(99) / 1e6 - 1);
  delay.reset();
  process.send?.({ loopP99Ms, residentMb: process.memoryUsage.rss() / 2 ** 20 } satisfies Sample);
});
process.channel?.unref();
