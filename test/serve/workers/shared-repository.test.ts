import { cp, link, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ModelRepository } from '../../../lib/serve/index.ts';
import type { WorkerCalls } from '../../../lib/serve/workers/calls.ts';
import { Peer } from '../../../lib/serve/workers/peer.ts';
import { type Member, SharedRepository } from '../../../lib/serve/workers/shared-repository.ts';
import { repositoryCalls } from '../../../lib/serve/workers/worker.ts';
import { saveNetwork } from '../client.ts';
import { channel, type End } from './channel.ts';

let folder: string;
let repositories: ModelRepository[];
let members: Member[];
let shared: SharedRepository;

/** A worker with a folder of its own, so that one may lack what the others have. */
async function start(number: number): Promise<End> {
  const repository = await ModelRepository.open(join(folder, `${number}`), {}, shared.versions);
  const [ours, theirs] = channel();
  new Peer(
    theirs,
    'the primary',
    repositoryCalls(() => repository),
  );
  const member = { number, peer: new Peer<WorkerCalls>(ours, `worker ${number}`, {}) };
  repositories.push(repository);
  members.push(member);
  await shared.join(member, repository.versions);
  return ours;
}

const pathOf = (number: number, version: number) => join(folder, `${number}`, 'network', `${version}`);
const versions = () => repositories.map(({ versions }) => versions.map(({ version }) => version).join());

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'octavo-shared-'));
  await mkdir(pathOf(1, 1), { recursive: true });
  await saveNetwork(join(pathOf(1, 1), 'model.octavo'));
  await mkdir(pathOf(2, 1), { recursive: true });
  // The same file, as for workers of one server.
  await link(join(pathOf(1, 1), 'model.octavo'), join(pathOf(2, 1), 'model.octavo'));
  repositories = [];
  members = [];
  shared = new SharedRepository(() => members);
});
afterEach(async () => {
  for (const repository of repositories) await repository[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

describe('the repositories of all workers', () => {
  it('switch together', async () => {
    await start(1);
    await start(2);
    for (const number of [1, 2]) await cp(pathOf(number, 1), pathOf(number, 2), { recursive: true });
    await shared.load('network');
    expect(versions()).toEqual(['2', '2']);
    await shared.load('network');
    expect(versions()).toEqual(['2', '2']);
    await shared.unload('network');
    expect(versions()).toEqual(['', '']);
    await expect(shared.unload('network')).rejects.toMatchObject({ status: 404 });
    await shared.load('network');
    expect(versions()).toEqual(['2', '2']);
  });

  it('keep what they have when one of them cannot load, and say which', async () => {
    await start(1);
    await start(2);
    await cp(pathOf(1, 1), pathOf(1, 2), { recursive: true });
    await mkdir(pathOf(2, 2));
    await writeFile(join(pathOf(2, 2), 'model.octavo'), 'half of a file');
    await expect(shared.load('network')).rejects.toThrow(
      /^load: model 'network', version 2: .* \(worker 2 of 2; none has changed\)$/,
    );
    expect(versions()).toEqual(['1', '1']);
    const [second, first] = await shared.index();
    expect(first).toEqual({ name: 'network', version: '1', state: 'READY', reason: '' });
    expect(second).toMatchObject({ name: 'network', version: '2', state: 'UNAVAILABLE' });
    // Nothing of the attempt holds up the next one.
    await cp(pathOf(1, 1), pathOf(2, 2), { recursive: true });
    await shared.load('network');
    expect(versions()).toEqual(['2', '2']);
  });

  it('give one answer where all fail alike', async () => {
    await start(1);
    await start(2);
    await expect(shared.load('none')).rejects.toMatchObject({
      status: 400,
      message: "load: there is no model 'none' in the repository",
    });
  });

  it('are ready where all have the model', async () => {
    await start(1);
    await start(2);
    await repositories[1].unload('network');
    expect(await shared.index()).toEqual([
      { name: 'network', version: '1', state: 'UNAVAILABLE', reason: 'worker 2: not loaded' },
    ]);
  });

  it('are joined by one that has what they have, though there are newer files', async () => {
    await start(1);
    for (const number of [1, 2]) await cp(pathOf(number, 1), pathOf(number, 2), { recursive: true });
    await start(2);
    expect(versions()).toEqual(['1', '1']);
    await shared.unload('network');
    [repositories[1], members[1]] = [repositories[0], members[0]];
    [repositories.length, members.length] = [1, 1];
    await start(2);
    expect(versions()).toEqual(['', '']);
  });

  it('follow one that had to load a newer file', async () => {
    await start(1);
    for (const number of [1, 2]) await cp(pathOf(number, 1), pathOf(number, 2), { recursive: true });
    await rm(pathOf(2, 1), { recursive: true });
    await start(2);
    expect(versions()).toEqual(['2', '2']);
  });

  it('do not wait for one that ends', async () => {
    const first = await start(1);
    await start(2);
    for (const number of [1, 2]) await cp(pathOf(number, 1), pathOf(number, 2), { recursive: true });
    const load = shared.load('network');
    first.emit('disconnect');
    await expect(load).rejects.toMatchObject({
      status: 503,
      message: 'worker 1 has ended (worker 1 of 2; none has changed)',
    });
    expect(versions()[1]).toBe('1');
    members.shift();
    await shared.load('network');
    expect(versions()[1]).toBe('2');
  });

  it('do not wait for one that hangs, and what it was to load is taken back when it goes on', async () => {
    await start(1);
    const second = await start(2);
    for (const number of [1, 2]) await cp(pathOf(number, 1), pathOf(number, 2), { recursive: true });
    const send = second.send!;
    const late: unknown[] = [];
    second.send = (message) => late.push(message) > 0;
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    try {
      const load = shared.load('network').catch((error) => error);
      await vi.advanceTimersByTimeAsync(30_000);
      const hears = vi.fn();
      load.then(hears);
      await new Promise(setImmediate);
      expect(hears).not.toHaveBeenCalled();
      await vi.advanceTimersByTimeAsync(5000);
      expect(await load).toMatchObject({
        status: 503,
        message: 'worker 2 has not answered for 30 s (worker 2 of 2; none has changed)',
      });
    } finally {
      vi.useRealTimers();
    }
    expect(versions()).toEqual(['1', '1']);
    second.send = send;
    for (const message of late) send.call(second, message, undefined, undefined, () => {});
    await shared.load('network');
    expect(versions()).toEqual(['2', '2']);
  });

  it('wait for one that is slow but lives', async () => {
    const [ours, theirs] = channel();
    let finish = (_: string) => {};
    new Peer(theirs, 'the primary', {
      slow: () => new Promise((resolve) => (finish = resolve)),
    });
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    try {
      const slow = new Peer<{ slow: () => Promise<string> }>(ours, 'worker 1', {}).call('slow');
      await vi.advanceTimersByTimeAsync(600_000);
      expect(vi.getTimerCount()).toBe(1);
      finish('done');
      expect(await slow).toBe('done');
      expect(vi.getTimerCount()).toBe(0);
    } finally {
      vi.useRealTimers();
    }
  });

  it('change one after the other', async () => {
    await start(1);
    await start(2);
    await Promise.all([shared.unload('network'), shared.load('network'), shared.load('network')]);
    expect(versions()).toEqual(['1', '1']);
  });
});
