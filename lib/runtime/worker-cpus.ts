import { divideCpus, placedCpus } from '../cpu/cpu-sets.ts';
import { allowedCpus } from '../cpu/topology.ts';
import { addon } from '../native/addon.ts';
import { cgroupQuota, chooseThreads, usableCpus } from './threads.ts';

/** One process's share of the CPUs that this one may use. */
export interface CpuShare {
  /** Numbers of logical CPUs, as `taskset` knows them. */
  readonly cpus: readonly number[];
  /** Threads that its models should compute with: its cores, or its share of a cgroup's quota if that is less. */
  readonly threads: number;
}

/**
 * Divides the CPUs that this process may use among several, for one model server each: whole NUMA nodes if there are enough, else
 * whole cores of one node. Together with {@link startOnCpus} a process has its threads, and the memory that they touch first, near to
 * each other (counterpart: `torch.backends.xeon.run_cpu`).
 *
 * @example
 * for (const { cpus } of cpuShares(4)) startOnCpus(cpus, () => fork('service.js'));
 *
 * @throws Error when there are more processes than CPUs, or a quota that is less.
 */
export function cpuShares(processes: number): readonly CpuShare[] {
  if (!Number.isSafeInteger(processes) || processes < 1)
    throw new Error(`cpuShares: the number of processes must be a whole number above 0, got ${processes}`);
  const usable = usableCpus();
  if (processes > usable)
    throw new Error(
      `${processes} processes are more than the ${usable} CPUs that this one may use (affinity mask, cgroup quota); ` +
        'each needs one of its own',
    );
  const cpus = placedCpus();
  const coreOf = new Map(cpus.map(({ cpu, core }) => [cpu, core]));
  const quota = cgroupQuota();
  return divideCpus(cpus, processes).map((share) => ({
    cpus: share,
    threads: chooseThreads({
      cores: new Set(share.map((cpu) => coreOf.get(cpu))).size,
      quota: quota && quota / processes,
      ompNumThreads: process.env.OMP_NUM_THREADS,
    }),
  }));
}

/**
 * Runs `start`, and binds to `cpus` whatever process it starts before it returns: all its threads, from the first one on.
 * @throws Error when this process may use none of these CPUs.
 */
export function startOnCpus<T>(cpus: readonly number[], start: () => T): T {
  const own = allowedCpus();
  addon.bindThread(cpus);
  try {
    return start();
  } finally {
    addon.bindThread(own);
  }
}
