import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { describe, expect, it } from 'vitest';
import { cpuShares, startOnCpus } from '../../lib/runtime/index.ts';

const listOf = (status: string) => /^Cpus_allowed_list:\s*(\S+)$/m.exec(status)?.[1];
const own = () => listOf(readFileSync('/proc/thread-self/status', 'utf8'));

describe('startOnCpus', () => {
  const [{ cpus }] = cpuShares(1);
  const [cpu] = cpus;

  it('binds all threads of a process that it starts, and leaves this one as it was', () => {
    const before = own();
    const script =
      "for (const t of fs.readdirSync('/proc/self/task')) console.log(fs.readFileSync('/proc/self/task/'+t+'/status','utf8'))";
    const { stdout } = startOnCpus([cpu], () =>
      spawnSync(process.execPath, ['-e', script], { encoding: 'utf8' }),
    );
    const lists = [...stdout.matchAll(/^Cpus_allowed_list:\s*(\S+)$/gm)].map(([, list]) => list);
    expect(lists.length).toBeGreaterThan(1);
    expect(new Set(lists)).toEqual(new Set([`${cpu}`]));
    expect(own()).toBe(before);
  });

  it('leaves this process as it was when the start fails', () => {
    const before = own();
    const fail = () => {
      throw new Error('it does not start');
    };
    expect(() => startOnCpus([cpu], fail)).toThrow('it does not start');
    expect(own()).toBe(before);
  });

  it.each([
    [[], 'binding a thread to its CPUs: Invalid argument'],
    [[1023], 'binding a thread to its CPUs: Invalid argument'],
    [[1024], 'CPU 1024 cannot be bound to; the last one that can is 1023'],
    [[-1], 'bindThread: a CPU'],
  ])('refuses %j', (cpus, message) => {
    expect(() => startOnCpus(cpus, () => {})).toThrow(message);
  });
});

describe('cpuShares', () => {
  it('has a thread or more for each process', () => {
    for (const { threads, cpus } of cpuShares(1)) {
      expect(threads).toBeGreaterThanOrEqual(1);
      expect(threads).toBeLessThanOrEqual(Number(process.env.OMP_NUM_THREADS ?? cpus.length));
    }
  });

  it.each([
    [availableParallelism() + 1, /\d+ processes are more than the \d+ CPUs/],
    [0, 'a whole number above 0, got 0'],
    [1.5, 'a whole number above 0, got 1.5'],
  ])('refuses %d processes', (processes, message) => {
    expect(() => cpuShares(processes)).toThrow(message);
  });
});
