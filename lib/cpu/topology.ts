import { readdirSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';

/** A cache as seen from this process's CPUs. */
export interface CpuCache {
  /** 1, 2 or 3. */
  readonly level: number;
  readonly type: 'data' | 'instruction' | 'unified';
  /** Size of one instance in bytes. */
  readonly bytes: number;
  /** The number of such caches among the process's CPUs. */
  readonly instances: number;
}

/** The part of the machine that this process may run on. */
export interface CpuTopology {
  /** Logical CPUs (hardware threads) in the process's affinity mask. */
  readonly logicalCpus: number;
  /** Physical cores that those logical CPUs belong to. */
  readonly cores: number;
  /** Sockets of those cores. */
  readonly sockets: number;
  /** From level 1 up; empty if the kernel does not list them. */
  readonly caches: readonly CpuCache[];
}

/** The numbers in a kernel list such as `0-3,8`. */
export function parseCpuList(list: string): number[] {
  return list
    .trim()
    .split(',')
    .filter((range) => range !== '')
    .flatMap((range) => {
      const [first = 0, last = first] = range.split('-').map(Number);
      return Array.from({ length: last - first + 1 }, (_, index) => first + index);
    });
}

export function readOptional(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    // A container or a chroot may hide any of these files.
    return undefined;
  }
}

export function listOptional(path: string): string[] {
  try {
    return readdirSync(path).sort();
  } catch {
    return [];
  }
}

function parseSize(text: string): number {
  const units: Record<string, number> = { K: 2 ** 10, M: 2 ** 20, G: 2 ** 30 };
  return Number.parseInt(text, 10) * (units[text.slice(-1)] ?? 1);
}

/** Logical CPUs in the process's affinity mask. */
export function allowedCpus(root = '/'): number[] {
  const [, list] =
    /^Cpus_allowed_list:\s*(\S+)$/m.exec(readOptional(join(root, 'proc/self/status')) ?? '') ?? [];
  return list ? parseCpuList(list) : Array.from({ length: availableParallelism() }, (_, cpu) => cpu);
}

const folderOf = (root: string, cpu: number) => join(root, `sys/devices/system/cpu/cpu${cpu}`);

/** The list of hardware threads in a core names the core on the whole machine; core_id does so only within a die. */
export const coreOf = (root: string, cpu: number): string =>
  readOptional(join(folderOf(root, cpu), 'topology/thread_siblings_list')) ?? String(cpu);

const countCores = (root: string, cpus: readonly number[]): number =>
  new Set(cpus.map((cpu) => coreOf(root, cpu))).size;

function readCaches(cpuFolders: readonly string[]): CpuCache[] {
  // The CPUs that share a cache distinguish it from the others of its kind.
  const instances = new Map<string, Omit<CpuCache, 'instances'>>();
  for (const folder of cpuFolders) {
    for (const index of listOptional(join(folder, 'cache'))) {
      const read = (file: string) => readOptional(join(folder, 'cache', index, file));
      const [level, type, size, sharedBy] = ['level', 'type', 'size', 'shared_cpu_list'].map(read);
      if (!level || !type || !size || !sharedBy) continue;
      instances.set(`${level} ${type} ${sharedBy}`, {
        level: Number(level),
        type: type.toLowerCase() as CpuCache['type'],
        bytes: parseSize(size),
      });
    }
  }
  const caches = new Map<string, CpuCache>();
  for (const cache of instances.values()) {
    // Hybrid processors have caches of several sizes at one level.
    const kind = `${cache.level} ${cache.type} ${cache.bytes}`;
    caches.set(kind, { ...cache, instances: (caches.get(kind)?.instances ?? 0) + 1 });
  }
  return [...caches.values()].sort((a, b) => a.level - b.level || a.type.localeCompare(b.type));
}

/**
 * Physical cores that this process may run on: the only part of {@link cpuTopology} that every model needs. Reads few
 * files.
 */
export function physicalCores(root = '/'): number {
  return countCores(root, allowedCpus(root));
}

/**
 * Reads cores, sockets and caches from sysfs, for the CPUs in this process's affinity mask (`taskset`, cpuset cgroups). Where
 * sysfs is not mounted, each logical CPU counts as a core, and all of them as one socket.
 *
 * @param root - where `proc` and `sys` are mounted.
 */
export function cpuTopology(root = '/'): CpuTopology {
  const cpus = allowedCpus(root);
  const folders = cpus.map((cpu) => folderOf(root, cpu));
  const sockets = folders.map((folder) => readOptional(join(folder, 'topology/physical_package_id')));
  return {
    logicalCpus: cpus.length,
    cores: countCores(root, cpus),
    sockets: new Set(sockets).size,
    caches: readCaches(folders),
  };
}
