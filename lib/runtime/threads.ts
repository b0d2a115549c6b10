import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { physicalCores } from '../cpu/topology.ts';

/** How a model divides the machine among its requests. */
export interface ThreadOptions {
  /**
   * What to be best at, where the numbers below are left out. `latency`: one request at a time on all cores. `throughput`:
   * one request a core, each on one thread, which wastes no time at barriers: more requests a second, of which each takes
   * longer. Default `latency`.
   */
  readonly preset?: 'latency' | 'throughput';
  /**
   * Requests that run at the same time, each on its own worker. With the preset `throughput` as many as
   * `threadsPerStream` leaves cores for, otherwise 1.
   */
  readonly streams?: number;
  /**
   * Threads that compute one request, at most: where steps are too short to be shared, fewer do. With the preset
   * `throughput` 1, otherwise the cores divided among the streams. Cores are the physical cores this process may use
   * (affinity mask, cgroup quota, OMP_NUM_THREADS).
   */
  readonly threadsPerStream?: number;
}

/** What limits the number of threads that can compute at once. */
export interface ThreadLimits {
  /** Physical cores this process may run on. */
  readonly cores: number;
  /** CPUs' worth of time a cgroup allows; undefined where there is no quota. */
  readonly quota?: number | undefined;
  /** The environment variable OMP_NUM_THREADS: `4`, or `4,2` for nested levels. */
  readonly ompNumThreads?: string | undefined;
}

/** More are a mistake, and each takes memory. The native executor has the same limit. */
const maxThreads = 1024;

/**
 * Threads to compute with: what OMP_NUM_THREADS says, else one a core as far as the quota goes; at least 1, and no more
 * than a model can have.
 */
export function chooseThreads({ cores, quota, ompNumThreads }: ThreadLimits): number {
  const [asked] = /^\s*\d+/.exec(ompNumThreads ?? '') ?? [];
  if (asked && Number(asked) > 0) return Math.min(Number(asked), maxThreads);
  return Math.max(1, Math.min(cores, Math.floor(quota ?? cores), maxThreads));
}

/** Threads a model may use here: affinity mask, hyper-threads, cgroup quota and OMP_NUM_THREADS honoured. */
export function defaultThreads(): number {
  return chooseThreads({
    // Hyper-threads of one core share the units that multiply.
    cores: physicalCores(),
    quota: cgroupQuota(),
    ompNumThreads: process.env.OMP_NUM_THREADS,
  });
}

/** In words: `2 threads`. */
export const countThreads = (count: number): string => `${count} ${count === 1 ? 'thread' : 'threads'}`;

/**
 * The numbers that the options mean on so many cores: those given, the others by the preset.
 * @throws Error for a number that is none from 1 to 1024, an unknown preset, and a preset that has no say.
 */
export function divideThreads(
  { preset, streams, threadsPerStream }: ThreadOptions,
  cores = defaultThreads(),
): { readonly streams: number; readonly threadsPerStream: number } {
  for (const [name, value] of Object.entries({ streams, threadsPerStream }))
    if (value !== undefined && !(Number.isInteger(value) && value >= 1 && value <= maxThreads))
      throw new Error(`compile: ${name} must be an integer from 1 to ${maxThreads}, got ${String(value)}`);
  if (preset !== undefined && preset !== 'latency' && preset !== 'throughput')
    throw new Error(`compile: preset must be 'latency' or 'throughput', got ${JSON.stringify(preset)}`);
  if (preset !== undefined && streams !== undefined && threadsPerStream !== undefined)
    throw new Error(
      `compile: preset '${preset}' has no say beside both streams (${streams}) and threadsPerStream ` +
        `(${threadsPerStream}); leave out the preset or one of the numbers`,
    );
  const share = (count: number) => Math.max(1, Math.floor(cores / count));
  if (preset === 'throughput') {
    const threads = threadsPerStream ?? 1;
    return { streams: streams ?? share(threads), threadsPerStream: threads };
  }
  return { streams: streams ?? 1, threadsPerStream: threadsPerStream ?? share(streams ?? 1) };
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    // Not every kernel and container shows every file.
    return undefined;
  }
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
