import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';

/** What limits the number of threads that can compute at once. */
export interface ThreadLimits {
  /** Physical cores this process may run on. */
  readonly cores: number;
  /** CPUs' worth of time a cgroup allows; undefined where there is no quota. */
  readonly quota?: number | undefined;
  /** The environment variable OMP_NUM_THREADS: `4`, or `4,2` for nested levels. */
  readonly ompNumThreads?: string | undefined;
}

/** Threads to compute with: what OMP_NUM_THREADS says, else one a core as far as the quota goes, at least 1. */
export function chooseThreads({ cores, quota, ompNumThreads }: ThreadLimits): number {
  const [asked] = /^\s*\d+/.exec(ompNumThreads ?? '') ?? [];
  if (asked && Number(asked) > 0) return Number(asked);
  return Math.max(1, Math.min(cores, Math.floor(quota ?? cores)));
}

/** Threads a model may use here: affinity mask, hyper-threads, cgroup quota and OMP_NUM_THREADS honoured. */
export function defaultThreads(): number {
  return chooseThreads({
    cores: physicalCores(),
    quota: cgroupQuota(),
    ompNumThreads: process.env.OMP_NUM_THREADS,
  });
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    // Not every kernel and container shows every file.
    return undefined;
  }
}

/** A list of CPUs as the kernel writes it: `0-3,8` is 0, 1, 2, 3, 8. */
export function parseCpuList(text: string): number[] {
  return text.split(',').flatMap((range) => {
    const [first, last = first] = range.split('-').map(Number);
    return Array.from({ length: last - first + 1 }, (_, i) => first + i);
  });
}

/** Cores among the CPUs of the affinity mask: hyper-threads of one core share the units that multiply. */
function physicalCores(): number {
  const allowed = /^Cpus_allowed_list:\s*(\S+)$/m.exec(readText('/proc/self/status') ?? '')?.[1];
  if (!allowed) return availableParallelism();
  const siblings = (cpu: number) =>
    readText(`/sys/devices/system/cpu/cpu${cpu}/topology/thread_siblings_list`) ?? String(cpu);
  return new Set(parseCpuList(allowed).map(siblings)).size;
}

/** The tightest CPU quota of this process's cgroup and those around it, in CPUs. */
function cgroupQuota(): number | undefined {
  const quotas = (readText('/proc/self/cgroup') ?? '').split('\n').flatMap((line) => {
    const [, controllers, path] = /^\d+:([^:]*):(.*)$/.exec(line) ?? [];
    if (path === undefined) return [];
    if (controllers === '') return quotasUpwards('/sys/fs/cgroup', path, quotaV2);
    if (controllers.split(',').includes('cpu')) return quotasUpwards('/sys/fs/cgroup/cpu', path, quotaV1);
    return [];
  });
  return quotas.length > 0 ? Math.min(...quotas) : undefined;
}

function quotasUpwards(
  root: string,
  path: string,
  quotaOf: (folder: string) => number | undefined,
): number[] {
  const quotas: number[] = [];
  for (let at = path; ; at = dirname(at)) {
    const quota = quotaOf(join(root, at));
    if (quota !== undefined) quotas.push(quota);
    if (at === '/' || at === '.') return quotas;
  }
}

/** `cpu.max` of cgroup version 2: `max 100000`, or quota and period in microseconds. */
function quotaV2(folder: string): number | undefined {
  const [quota, period] = (readText(join(folder, 'cpu.max')) ?? 'max').split(' ').map(Number);
  return quota > 0 && period > 0 ? quota / period : undefined;
}

function quotaV1(folder: string): number | undefined {
  const quota = Number(readText(join(folder, 'cpu.cfs_quota_us')));
  const period = Number(readText(join(folder, 'cpu.cfs_period_us')));
  return quota > 0 && period > 0 ? quota / period : undefined;
}
