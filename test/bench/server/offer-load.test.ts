import { expect, test } from 'vitest';
import { offerClosedLoad, offerOpenLoad } from '../../../bench/server/offer-load.ts';
import { Pacemaker } from '../../../bench/server/pacemaker.ts';

const load = { arrivals: 'constant', rate: 200, milliseconds: 100, seed: 1 } as const;

/** A server that answers nothing until it is told to. */
function blockedServer() {
  const waiting: (() => void)[] = [];
  let free = false;
  return {
    waiting,
    send: () =>
      free ? Promise.resolve(true) : new Promise<boolean>((resolve) => waiting.push(() => resolve(true))),
    unblock: () => {
      free = true;
      for (const answer of waiting) answer();
    },
  };
}

test('an open loop goes on sending while nothing is answered, and its latencies hold the wait', async () => {
  const server = blockedServer();
  let sent = 0;
  const report = await offerOpenLoad(
    () => {
      // All 19 have come, though none was answered.
      if (++sent === 19) setTimeout(server.unblock);
      return server.send();
    },
    load,
    new Pacemaker(),
  );
  expect(server.waiting).toHaveLength(19);
  expect(report).toMatchObject({ answered: 19, refused: 0 });
  // Due every 5 ms, none answered before the last was sent at 95 ms: the tenth has waited for 45 ms at least.
  expect(report.p50).toBeGreaterThan(44.9);
});

test('latency counts from when a request should have been sent, though the client was busy then', async () => {
  let isFirst = true;
  const report = await offerOpenLoad(
    async () => {
      // The event loop stands still from 5 to 85 ms: 15 requests come late by it, though each is answered at once.
      for (const end = performance.now() + 80; isFirst && performance.now() < end; );
      isFirst = false;
      return true;
    },
    load,
    new Pacemaker(),
  );
  expect(report.answered).toBe(19);
  // Those due at 10, 15, …, 85 ms are at least 75, 70, …, 0 ms late. The middle of all 19 is due at 50 ms.
  expect(report.p50).toBeGreaterThan(34);
  expect(report.lateP99).toBeGreaterThan(70);
});

test('a closed loop has as many under way as it is told, and counts what is refused', async () => {
  let [underWay, most, count] = [0, 0, 0];
  const report = await offerClosedLoad(
    async () => {
      most = Math.max(most, ++underWay);
      await new Promise((resolve) => setTimeout(resolve, 1));
      underWay--;
      return ++count % 2 === 0;
    },
    3,
    1000,
  );
  expect(most).toBe(3);
  expect(report.refused).toBeGreaterThan(0);
  expect(Math.abs(report.answered - report.refused)).toBeLessThanOrEqual(1);
});

test('a request that fails ends the load', async () => {
  const failing = () => Promise.reject(new Error('gone'));
  await expect(offerOpenLoad(failing, load, new Pacemaker())).rejects.toThrow('gone');
  await expect(offerClosedLoad(failing, 2, 50)).rejects.toThrow('gone');
});
