import type { ForkOptions } from 'node:child_process';
import { readFileSync } from 'node:fs';

/**
 * Who runs where. Of four CPUs or more, the client has the last one for itself; fewer it shares with the server, and takes from it what
 * it uses.
 */
export interface CpuDivision {
  /** Undefined: all. */
  readonly server: readonly number[] | undefined;
  readonly client: readonly number[] | undefined;
}

/** @param cpus those that may be used. */
export function divideCpus(cpus: readonly number[]): CpuDivision {
  if (cpus.length < 4) return { server: undefined, client: undefined };
  return { server: cpus.slice(0, -1), client: cpus.slice(-1) };
}

/** The CPUs that this process may use. */
export function allowedCpus(): number[] {
  const [, list] = /^Cpus_allowed_list:\s*(\S+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))!;
  return list.split(',').flatMap((range) => {
    const [first, last = first] = range.split('-').map(Number);
    return Array.from({ length: last - first + 1 }, (_, i) => first + i);
  });
}

/**
 * For `fork`: a process of Node on these CPUs.
 * @param options of Node; a loader of TypeScript is among this process's own.
 */
export function processOn(
  cpus: readonly number[] | undefined,
  options: readonly string[] = process.execArgv,
): ForkOptions {
  if (cpus === undefined) return { execArgv: [...options] };
  const taskset = ['--cpu-list', cpus.join(','), process.execPath];
  return { execPath: 'taskset', execArgv: [...taskset, ...options] };
}
