import { setTimeout as sleep } from 'node:timers/promises';
import { median, quantile } from '../lib/statistics.ts';
import { Contestant, type Entry } from './contestant.ts';
import { otherLoad, type Snapshot, snapshot } from './machine.ts';

/** How long to measure. */
export interface Effort {
  /** Times that each contestant has its turn. */
  readonly rounds: number;
  /** How long one turn should take, in milliseconds. */
  readonly turnMilliseconds: number;
  /** After this time no round begins, once there were {@link fewestRounds}: some networks take seconds a run. */
  readonly heatSeconds: number;
}

/** Rounds that a median needs, however long they take. */
const fewestRounds = 5;

/** One contestant's result. */
export interface Timing {
  readonly entry: Entry;
  readonly medianMs: number;
  readonly p95Ms: number;
  readonly runs: number;
}

/** Results of contestants that were timed together. */
export interface Heat {
  readonly timings: readonly Timing[];
  /** Cores that other processes kept busy meanwhile: above about 0.1, do not trust the figures. */
  readonly otherLoad: number;
}

/**
 * Times contestants against each other on one input shape: they take turns, in opposite order every other round, so
 * that what the machine does meanwhile hits all of them alike. Each turn begins with a run that does not count.
 */
export async function race(
  entries: readonly Entry[],
  inputShape: readonly number[],
  effort: Effort,
): Promise<Heat> {
  const contestants: Contestant[] = [];
  try {
    for (const entry of entries) contestants.push(await Contestant.start(entry, inputShape));
    const turns = new Map<Contestant, number>();
    for (const contestant of contestants) turns.set(contestant, await turnLength(contestant, effort));
    const times = new Map<Contestant, number[]>(contestants.map((contestant) => [contestant, []]));
    const before = snapshot(contestants.map(({ pid }) => pid));
    const deadline = performance.now() + 1000 * effort.heatSeconds;
    for (let round = 0; round < effort.rounds; round++) {
      if (round >= fewestRounds && performance.now() > deadline) break;
      for (const contestant of round % 2 === 0 ? contestants : contestants.toReversed()) {
        const [, ...counted] = await contestant.run(turns.get(contestant)! + 1);
        times.get(contestant)!.push(...counted);
        await sleep(20); // until the engine's threads have stopped spinning
      }
    }
    return {
      timings: contestants.map((contestant) => timing(contestant, times.get(contestant)!)),
      otherLoad: load(before),
    };
  } finally {
    for (const contestant of contestants) await contestant.stop();
  }
}

function load(before: Snapshot): number {
  return otherLoad(before, snapshot(before.pids));
}

async function turnLength(contestant: Contestant, effort: Effort): Promise<number> {
  const warm = await contestant.run(2);
  return Math.max(1, Math.round(effort.turnMilliseconds / Math.min(...warm)));
}

function timing({ entry }: Contestant, times: readonly number[]): Timing {
  return { entry, medianMs: median(times), p95Ms: quantile(times, 0.95), runs: times.length };
}
