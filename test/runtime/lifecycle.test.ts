import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { compile } from '../../lib/runtime/index.ts';
import { defaultThreads } from '../../lib/runtime/threads.ts';
import { Tensor } from '../../lib/tensor/index.ts';
import { convNet, slowNet } from '../support/models.ts';

/** Runs a script of `children/` in a process of its own and gives what it printed. Rejects when it fails or crashes. */
async function runChild(name: string, ...args: readonly string[]): Promise<string> {
  const script = fileURLToPath(new URL(`children/${name}.ts`, import.meta.url));
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--expose-gc', '--import', 'tsx', script, ...args],
    { timeout: 60_000 },
  );
  return stdout;
}

describe('a process with models', () => {
  it.each(['running', 'compiling', 'disposed of'])('exits with 0 while they are %s', async (mode) => {
    await runChild('exit-mid-run', mode);
  });

  it('survives another thread that writes to the indices of a table', async () => {
    const { refused, served } = JSON.parse(await runChild('written-indices'));
    expect(refused + served).toBe(600);
  });

  it('reports an uncaught exception while they run', async () => {
    await expect(runChild('exit-mid-run', 'throw')).rejects.toMatchObject({
      code: 1,
      signal: null,
      stderr: expect.stringContaining('thrown on purpose'),
    });
  });

  it('spends time and threads on requests alone, and is not kept alive by them', async () => {
    const { onOneThread, serving, idle, threadsServing, threadsIdle } = JSON.parse(await runChild('idle'));
    // Milliseconds of 20 requests with pauses of 25 between them, on caches that went cold meanwhile and with timers. With
    // OpenMP's own settings the second thread would spin through most of the 500 of pauses.
    expect(serving).toBeLessThan(2 * onOneThread + 80);
    // Of 500. Node itself takes a few for its timers and garbage collection.
    expect(idle).toBeLessThan(50);
    expect([threadsServing, threadsIdle]).toEqual([2, 1]);
  });

  it('spends no time once short requests stop', async () => {
    // Milliseconds of 500. Threads that went on waiting would take 500 each.
    expect(JSON.parse(await runChild('hot', 'idle'))).toBeLessThan(100);
  });

  it('exits with 0 between short requests', async () => {
    await runChild('hot', 'exits');
  });

  it('may dispose of them between short requests and with one under way', async () => {
    const states: string[] = JSON.parse(await runChild('hot', 'disposes'));
    expect(states).toHaveLength(15);
    for (const state of states) expect(['fulfilled', 'rejected']).toContain(state);
  });

  it.skipIf(defaultThreads() < 2)('keeps all threads for operators beside a model of one', async () => {
    expect(JSON.parse(await runChild('hot', 'operatorThreads'))).toBeGreaterThan(0);
  });

  it.skipIf(availableParallelism() < 2)('has a thread on each CPU where OpenMP binds threads', async () => {
    const before = process.env.OMP_PROC_BIND;
    process.env.OMP_PROC_BIND = 'true';
    try {
      const { worker, lane } = JSON.parse(await runChild('bound-threads'));
      expect(worker).not.toBe(lane);
    } finally {
      if (before === undefined) delete process.env.OMP_PROC_BIND;
      else process.env.OMP_PROC_BIND = before;
    }
  });

  it('gets the memory of one back at once, though others have theirs beside it', async () => {
    const { freed, same } = JSON.parse(await runChild('side-by-side'));
    // 36 MiB of weights as they were given, and as much packed.
    expect(freed).toBeGreaterThan(65);
    expect(same).toBe(true);
  });

  it('gets their memory back when they are disposed of', async () => {
    const rounds: number[] = JSON.parse(await runChild('leak'));
    // Resident memory sways by a few MiB, as collected memory goes back to the system late. A leak of the packed weights,
    // 8 MiB, would add 240 MiB over the last 30 rounds.
    const settled = Math.min(...rounds.slice(20, 30));
    expect(Math.min(...rounds.slice(-10)) - settled).toBeLessThan(48);
  });

  it('holds the weights of a loaded model once', async () => {
    await runChild('resident', String(process.pid), 'write');
    const { end, most } = JSON.parse(await runChild('resident', String(process.pid)));
    // Weights are 64 MiB and come one after the other; what else a model takes, kernels above all, is far less than 32.
    expect(end).toBeGreaterThan(48);
    expect(end).toBeLessThan(96);
    expect(most).toBeLessThan(96);
  });

  it('runs them in worker threads that come and go', async () => {
    const results = JSON.parse(await runChild('worker-threads'));
    expect(results).toHaveLength(10);
    expect(results[0]).not.toBe(0);
    expect(new Set(results).size).toBe(1);
  });
});

describe('a running model', () => {
  it('leaves the event loop free', async () => {
    using model = compile(slowNet(), { streams: 1, threadsPerStream: 1 });
    const x = Tensor.zeros('float32', [4, 16, 64, 64]);
    await model.warmup(x.shape);
    const delay = monitorEventLoopDelay({ resolution: 1 });
    delay.enable();
    const start = performance.now();
    await Promise.all([model.run(x), model.run(x), model.run(x)]);
    const elapsed = performance.now() - start;
    delay.disable();
    expect(elapsed).toBeGreaterThan(30);
    // In nanoseconds. The machine may be busy; a loop that waits for the model would be late by all of `elapsed`.
    expect(delay.percentile(90) / 1e6).toBeLessThan(elapsed / 4);
  });

  it('has the event loop sleep through a long request among short ones', async () => {
    using model = compile(convNet(), { threadsPerStream: 1 });
    const [short, long] = [1, 20_000].map((batch) => Tensor.zeros('float32', [batch, 3, 8, 8]));
    await model.warmup(long.shape);
    for (let i = 0; i < 300; i++) await model.run(short);
    // A loop that stays awake is active for all of every run; on a busy machine one that sleeps may seem so for a run or two.
    const activeShares: number[] = [];
    for (let i = 0; i < 5; i++) {
      const before = performance.eventLoopUtilization();
      await model.run(long);
      const { active, idle } = performance.eventLoopUtilization(before);
      expect(active + idle).toBeGreaterThan(5);
      activeShares.push(active / (active + idle));
    }
    expect(Math.min(...activeShares)).toBeLessThan(1 / 3);
  });

  it('lets timers and files have their turn between short requests', async () => {
    using model = compile(convNet(), { threadsPerStream: 1 });
    const x = Tensor.zeros('float32', [1, 3, 8, 8]);
    let waiting = 2;
    setTimeout(() => waiting--, 2);
    void readFile(fileURLToPath(import.meta.url)).then(() => waiting--);
    let requests = 0;
    for (; waiting > 0; requests++) await model.run(x);
    // A few milliseconds' worth; on a machine that is busy, those of many slices of its time.
    expect(requests).toBeLessThan(50_000);
  });

  it('may be collected as garbage while it runs', async () => {
    const x = Tensor.zeros('float32', [1, 16, 64, 64]);
    const runs = Array.from({ length: 5 }, () => compile(slowNet(), { threadsPerStream: 1 }).run(x));
    for (let i = 0; i < 5; i++) {
      // Enough for several collections of the young generation.
      void Array.from({ length: 200_000 }, () => ({}));
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    for (const result of await Promise.all(runs)) expect(Object.keys(result)).toHaveLength(1);
  });
});
