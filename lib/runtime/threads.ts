import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { physicalCores } from '../cpu/topology.ts';

/** How a model divides the machine among its requests. */
export interface ThreadOptions {
  /**
   * The goal, if the numbers below are absent. `latency`: one request at a time on all cores. `throughput`: one request
   * on each core, each on one thread, which wastes no time at barriers: more requests a second, and each takes longer.
   * Default `latency`.
   */
  readonly preset?: 'latency' | 'throughput';
  /**
   * Requests that run at the same time, each on its own worker. Default: 1; with the preset `throughput` the cores
   * divided by `threadsPerStream`.
   */
  readonly streams?: number;
  /**
   * The largest number of threads that compute one request; fewer if steps are too short to be shared. Default: the
   * cores divided among the streams; with the preset `throughput` 1. Cores are the physical cores that this process may
   * use (affinity mask, cgroup quota, OMP_NUM_THREADS).
   */
  readonly threadsPerStream?: number;
}

/** What limits the number of threads that can compute at once. */
export interface ThreadLimits {
  /** Physical cores this process may run on. */
  readonly cores: number;
  /** CPU time that a cgroup allows, in CPUs; undefined without a quota. */
  readonly quota?: number | undefined;
  /** The environment variable OMP_NUM_THREADS: `4`, or `4,2` for nested levels. */
  readonly ompNumThreads?: string | undefined;
}

/** A larger number is a mistake, and each thread costs memory. The native executor has the same limit. */
const maxThreads = 1024;

/**
 * The number of threads to compute with: OMP_NUM_THREADS, or one for each core up to the quota. At least 1, and at most
 * the limit of a model.
 */
export function chooseThreads({ cores, quota, ompNumThreads }: ThreadLimits): number {
  const [asked] = /^\s*\d+/.exec(ompNumThreads ?? '') ?? [];
  if (asked && Number(asked) > 0) return Math.min(Number(asked), maxThreads);
  return Math.max(1, Math.min(cores, Math.floor(quota ?? cores), maxThreads));
}

/** Threads that a model may use here, considering affinity mask, hyper-threads, cgroup quota and OMP_NUM_THREADS. */
export function defaultThreads(): number {
  return chooseThreads({
    // Hyper-threads of one core share the units that multiply.
    cores: physicalCores(),
    quota: cgroupQuota(),
    ompNumThreads: process.env.OMP_NUM_THREADS,
  });
}

/** CPUs that this process may keep busy, hyper-threads included: its affinity mask, and what a cgroup's quota leaves of it. */
export function usableCpus(): number {
  return Math.max(1, Math.min(availableParallelism(), Math.floor(cgroupQuota() ?? Infinity), maxThreads));
}

/** In words: `2 threads`. */
export const countThreads = (count: number): string => `${count} ${count === 1 ? 'thread' : 'threads'}`;

/**
 * Resolves thread options for `cores` cores: explicit numbers, and the others by the preset.
 * @throws Error for a number outside 1 to 1024, an unknown preset, and a preset that conflicts with explicit numbers.
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
    // Some kernels and containers hide some of these files.
    return undefined;
  }
}

/** The tightest CPU quota of this process's cgroup and its ancestors, in CPUs. */
export function cgroupQuota(): number | undefined {
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
