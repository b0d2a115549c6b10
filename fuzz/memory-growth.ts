import type { Fault } from './kind.ts';

/** Whether the process grows with the requests that it has answered. */
export class MemoryGrowth {
  #judged = 0;
  #before = Number.POSITIVE_INFINITY;

  faults(): readonly Fault[] {
    if (++this.#judged % problemsPerLook > 0) return [];
    const now = process.memoryUsage.rss();
    // The first ones fill caches and pools.
    if (this.#before === Number.POSITIVE_INFINITY) this.#before = now;
    if (now < this.#before + mostGrowth) return [];
    const [from, to] = [this.#before, now].map((bytes) => Math.round(bytes / 2 ** 20));
    this.#before = now;
    return [{ fault: 'memory', detail: `${to} MiB after ${this.#judged} problems, ${from} MiB before` }];
  }
}

const problemsPerLook = 2000;
/** Garbage that is not collected yet comes and goes by some tens of MiB. */
const mostGrowth = 128 * 2 ** 20;
