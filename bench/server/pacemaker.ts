import { Worker } from 'node:worker_threads';
import { now } from './clock.ts';

/** Calls at given times, from a thread that does nothing else. */
export class Pacemaker {
  readonly #thread = new Worker(new URL('pacemaker-thread.js', import.meta.url));

  constructor() {
    this.#thread.unref();
  }

  /**
   * Calls once for each of the times.
   * @param times milliseconds from now, ascending.
   * @param call gets the time at which it should have come, on the shared clock.
   */
  async pace(times: Float64Array, call: (intended: number) => void): Promise<void> {
    if (times.length === 0) return;
    // Until the thread has the message.
    const start = now() + 10;
    let called = 0;
    await new Promise<void>((resolve) => {
      const onDue = (due: number) => {
        while (called < due) call(start + times[called++]);
        if (called < times.length) return;
        this.#thread.off('message', onDue);
        resolve();
      };
      this.#thread.on('message', onDue);
      this.#thread.postMessage({ start, times });
    });
  }
}
