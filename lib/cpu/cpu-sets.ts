import { join } from 'node:path';
import { allowedCpus, coreOf, listOptional, parseCpuList, readOptional } from './topology.ts';

/** A logical CPU, and where it is. */
export interface PlacedCpu {
  readonly cpu: number;
  /** What names its core on the whole machine. */
  readonly core: string;
  /** Its NUMA node: the CPUs that one part of the memory is near to. */
  readonly node: number;
}

/** The logical CPUs in this process's affinity mask. Where sysfs does not say it, a CPU is a core, and all are one node. */
export function placedCpus(root = '/'): readonly PlacedCpu[] {
  const nodes = join(root, 'sys/devices/system/node');
  const nodeOf = new Map<number, number>();
  for (const folder of listOptional(nodes)) {
    const [, node] = /^node(\d+)$/.exec(folder) ?? [];
    if (node === undefined) continue;
    const list = readOptional(join(nodes, folder, 'cpulist')) ?? '';
    for (const cpu of parseCpuList(list)) nodeOf.set(cpu, Number(node));
  }
  return allowedCpus(root).map((cpu) => ({ cpu, core: coreOf(root, cpu), node: nodeOf.get(cpu) ?? 0 }));
}

/**
 * Divides CPUs among processes, so that none shares more with another than it must: whole nodes if there are enough, else
 * each stays in one node; there whole cores, with all their hyper-threads; and only more processes than cores divide these.
 *
 *     2 nodes of 4 cores, 2 processes     0 0 0 0   1 1 1 1
 *                         3 processes     0 0 1 1   2 2 2 2
 *                         4 processes     0 0 1 1   2 2 3 3
 *
 * @param count at most the number of CPUs.
 * @returns for each process the numbers of its CPUs, in ascending order.
 */
export function divideCpus(cpus: readonly PlacedCpu[], count: number): readonly (readonly number[])[] {
  const nodes = groupBy(cpus, ({ node }) => node);
  const sets =
    count <= nodes.length
      ? runsOf(nodes, count).map((run) => run.flat())
      : processesOf(nodes, count).flatMap((processes, i) => divideNode(nodes[i], processes));
  return sets.map((set) => set.map(({ cpu }) => cpu).sort((a, b) => a - b));
}

function divideNode(node: readonly PlacedCpu[], count: number): PlacedCpu[][] {
  const cores = groupBy(node, ({ core }) => core);
  const parts = count <= cores.length ? cores : cores.flat().map((cpu) => [cpu]);
  return runsOf(parts, count).map((run) => run.flat());
}

/** How many processes each node has: one, and the others one by one where there are then most CPUs for each. */
function processesOf(nodes: readonly (readonly PlacedCpu[])[], count: number): readonly number[] {
  const processes = nodes.map(() => 1);
  for (let i = nodes.length; i < count; i++) {
    const shares = nodes.map((node, n) => node.length / (processes[n] + 1));
    processes[shares.indexOf(Math.max(...shares))]++;
  }
  return processes;
}

/** `count` runs of neighbours, of equal lengths as far as that is possible. */
const runsOf = <T>(items: readonly T[], count: number): T[][] =>
  Array.from({ length: count }, (_, i) =>
    items.slice(Math.floor((i * items.length) / count), Math.floor(((i + 1) * items.length) / count)),
  );

/** In order of appearance. */
function groupBy<T, Key>(items: readonly T[], keyOf: (item: T) => Key): T[][] {
  const groups = new Map<Key, T[]>();
  for (const item of items) {
    const key = keyOf(item);
    groups.set(key, [...(groups.get(key) ?? []), item]);
  }
  return [...groups.values()];
}
