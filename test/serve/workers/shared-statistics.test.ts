import { expect, it } from 'vitest';
import type { VersionTally } from '../../../lib/serve/models/version-tally.ts';
import type { WorkerCalls } from '../../../lib/serve/workers/calls.ts';
import { Peer } from '../../../lib/serve/workers/peer.ts';
import type { Member } from '../../../lib/serve/workers/shared-repository.ts';
import { SharedStatistics } from '../../../lib/serve/workers/shared-statistics.ts';
import { channel } from './channel.ts';

const ns = (count: number) => ({ count, ns: 1000 * count });

/** Of so many requests, each alone in a batch of this size. */
function tally(requests: number, size: number, more: Partial<VersionTally> = {}): VersionTally {
  const times = { queue: requests, input: 2 * requests, infer: 3 * requests, output: 4 * requests };
  const distribution = (count: number) => ({ counts: [count, 0, 1], sum: count / 2 });
  return {
    name: 'network',
    version: '1',
    lastInference: 0,
    waiting: 0,
    counts: {
      success: ns(requests),
      failures: { REJECTED: ns(1), CANCELED: ns(2), BACKEND: ns(3), OTHER: ns(4) },
      durations: { rest: distribution(requests), grpc: distribution(0) },
      runs: {
        requests,
        samples: requests * size,
        executions: requests,
        ...times,
        batches: { [size]: { executions: requests, ...times } },
      },
    },
    ...more,
  };
}

interface Worker {
  readonly member: Member;
  versions: readonly VersionTally[];
  asked: number;
  /** What it waits for before it answers. */
  answer: Promise<void>;
}

function setUp(loaded = [{ name: 'network', version: '1', stamp: '' }]) {
  const workers: Worker[] = [];
  const statistics = new SharedStatistics(
    () => workers.map(({ member }) => member),
    () => loaded,
  );
  const start = (number: number, ...versions: VersionTally[]): Worker => {
    const [ours, theirs] = channel();
    const member = { number, peer: new Peer<WorkerCalls>(ours, `worker ${number}`, {}) };
    const worker: Worker = { member, versions, asked: 0, answer: Promise.resolve() };
    const report = async () => {
      worker.asked++;
      await worker.answer;
      return { versions: worker.versions, metrics: [] };
    };
    new Peer(theirs, 'the primary', { report });
    workers.push(worker);
    statistics.begin(member.peer);
    return worker;
  };
  const end = (worker: Worker) => {
    workers.splice(workers.indexOf(worker), 1);
    statistics.end(worker.member.peer);
  };
  const successes = async () =>
    (await statistics.report()).versions.map(({ version, counts }) => [version, counts.success.count]);
  return { statistics, loaded, start, end, successes };
}

it('are sums of what all workers have been asked', async () => {
  const { statistics, start } = setUp();
  start(1, tally(3, 1, { lastInference: 1000, waiting: 2 }));
  start(2, tally(5, 8, { lastInference: 900, waiting: 1 }), tally(1, 1, { version: '2' }));
  const { versions, processes } = await statistics.report();
  expect(versions).toHaveLength(2);
  const { counts, ...facts } = versions[0];
  expect(facts).toEqual({ name: 'network', version: '1', lastInference: 1000, waiting: 3 });
  expect(counts).toEqual({
    success: ns(8),
    failures: { REJECTED: ns(2), CANCELED: ns(4), BACKEND: ns(6), OTHER: ns(8) },
    durations: { rest: { counts: [8, 0, 2], sum: 4 }, grpc: { counts: [0, 0, 2], sum: 0 } },
    runs: {
      ...{ requests: 8, samples: 43, executions: 8, queue: 8, input: 16, infer: 24, output: 32 },
      batches: {
        1: { executions: 3, queue: 3, input: 6, infer: 9, output: 12 },
        8: { executions: 5, queue: 5, input: 10, infer: 15, output: 20 },
      },
    },
  });
  expect(versions[1]).toEqual(tally(1, 1, { version: '2' }));
  expect(processes.map(({ name }) => name)).toEqual(['primary', 'worker-1', 'worker-2']);
});

it('keep what a worker has counted that has ended, but not what waited there', async () => {
  const { statistics, start, end, successes } = setUp();
  const first = start(1, tally(3, 1, { waiting: 4 }));
  start(2, tally(5, 1));
  await statistics.report();
  // Its last word.
  statistics.record(first.member.peer, [tally(4, 1, { waiting: 1 })]);
  end(first);
  statistics.record(first.member.peer, [tally(4, 1)]);
  start(1);
  const { versions } = await statistics.report();
  expect(versions.map(({ counts, waiting }) => [counts.success.count, waiting])).toEqual([[9, 0]]);
  expect(await successes()).toEqual([['1', 9]]);
});

it('forget a version that is not loaded any more when its last request is answered', async () => {
  const { start, end, successes, loaded } = setUp();
  const first = start(1, tally(3, 1));
  const second = start(2, tally(5, 1));
  await successes();
  end(first);
  const third = start(3, tally(4, 1));
  loaded.pop();
  expect(await successes()).toEqual([['1', 12]]);
  third.versions = [];
  expect(await successes()).toEqual([['1', 12]]);
  second.versions = [];
  expect(await successes()).toEqual([]);
  second.versions = [tally(1, 1)];
  expect(await successes()).toEqual([['1', 1]]);
});

it('tell of a worker that does not answer what it has told last, and do not ask it again meanwhile', async () => {
  const { statistics, start, successes } = setUp();
  const first = start(1, tally(3, 1));
  const second = start(2, tally(5, 1));
  await successes();
  let goOn = () => {};
  first.answer = new Promise((resolve) => {
    goOn = resolve;
  });
  first.versions = [tally(4, 1)];
  second.versions = [tally(6, 1)];
  const { versions, processes } = await statistics.report();
  expect(versions[0].counts.success.count).toBe(9);
  expect(processes.map(({ metrics }) => metrics !== undefined)).toEqual([true, false, true]);
  expect(await successes()).toEqual([['1', 9]]);
  expect([first.asked, second.asked]).toEqual([2, 3]);
  goOn();
  await new Promise(setImmediate);
  expect(await successes()).toEqual([['1', 10]]);
});

it('ask for several at once', async () => {
  const { start, successes } = setUp();
  start(1, tally(3, 1));
  expect(await Promise.all([successes(), successes()])).toEqual([[['1', 3]], [['1', 3]]]);
});
