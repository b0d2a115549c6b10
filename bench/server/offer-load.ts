import { type Arrivals, arrivalTimes } from './arrivals.ts';
import { now } from './clock.ts';
import { LoadCounter, type LoadReport } from './load-report.ts';
import type { Pacemaker } from './pacemaker.ts';

/** Sends one request and gives whether it was answered: false if the server had too much to do. */
export type Send = () => Promise<boolean>;

/** An open loop: requests come when they come, whether others are answered or not. */
export interface OpenLoad {
  readonly arrivals: Arrivals;
  /** Requests a second. */
  readonly rate: number;
  readonly milliseconds: number;
  readonly seed: number;
}

/**
 * Sends requests at their times and waits for all answers. Latency counts from the time at which a request should have been sent, so a
 * client that comes late, or waits for connections, hides nothing.
 */
export async function offerOpenLoad(send: Send, load: OpenLoad, pacemaker: Pacemaker): Promise<LoadReport> {
  const counter = new LoadCounter();
  const underWay: Promise<void>[] = [];
  const sendOne = async (intended: number) => {
    counter.sent(now() - intended);
    if (await send()) counter.answered(now() - intended);
    else counter.refused();
  };
  const { arrivals, rate, milliseconds, seed } = load;
  const start = now();
  await pacemaker.pace(arrivalTimes(arrivals, rate, milliseconds, seed), (intended) => {
    const sent = sendOne(intended);
    // Whoever waits for all hears of it.
    sent.catch(() => {});
    underWay.push(sent);
  });
  await Promise.all(underWay);
  return counter.report(now() - start);
}

/** A closed loop: so many requests are always under way. What a server can do at most, but not how long users would wait. */
export async function offerClosedLoad(
  send: Send,
  inFlight: number,
  milliseconds: number,
): Promise<LoadReport> {
  const counter = new LoadCounter();
  const start = now();
  const end = start + milliseconds;
  const client = async () => {
    for (let sent = now(); sent < end; sent = now()) {
      const isAnswered = await send();
      const received = now();
      // Those answered after the end ran beside fewer others.
      if (received > end) return;
      if (isAnswered) counter.answered(received - sent);
      else counter.refused();
    }
  };
  await Promise.all(Array.from({ length: inFlight }, client));
  return counter.report(milliseconds);
}
