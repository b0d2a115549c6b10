import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { divideCpus, type PlacedCpu, placedCpus } from '../../lib/cpu/cpu-sets.ts';

/** Numbered as Linux does: the first threads of all cores, node by node, then their siblings. */
function machine(nodes: number, coresPerNode: number, threads = 1): PlacedCpu[] {
  const cores = nodes * coresPerNode;
  return Array.from({ length: cores * threads }, (_, cpu) => ({
    cpu,
    core: `${cpu % cores}`,
    node: Math.floor((cpu % cores) / coresPerNode),
  }));
}

describe('divideCpus', () => {
  it.each([
    ['all of one node', machine(1, 2), 1, [[0, 1]]],
    ['a core each', machine(1, 2), 2, [[0], [1]]],
    [
      'whole nodes',
      machine(2, 4, 2),
      2,
      [
        [0, 1, 2, 3, 8, 9, 10, 11],
        [4, 5, 6, 7, 12, 13, 14, 15],
      ],
    ],
    [
      'several nodes each, as equally as whole nodes can be',
      machine(3, 2),
      2,
      [
        [0, 1],
        [2, 3, 4, 5],
      ],
    ],
    [
      'whole cores of one node',
      machine(2, 4, 2),
      4,
      [
        [0, 1, 8, 9],
        [2, 3, 10, 11],
        [4, 5, 12, 13],
        [6, 7, 14, 15],
      ],
    ],
    [
      'none has CPUs of two nodes, though that would be more equal',
      machine(2, 4),
      3,
      [
        [0, 1],
        [2, 3],
        [4, 5, 6, 7],
      ],
    ],
    ['unequal numbers of cores', machine(1, 5), 3, [[0], [1, 2], [3, 4]]],
    ['hyper-threads, when there are no more cores', machine(1, 2, 2), 3, [[0], [2], [1, 3]]],
    ['every hyper-thread', machine(1, 2, 2), 4, [[0], [2], [1], [3]]],
    [
      'what an affinity mask has left: more for the node that has more',
      machine(2, 4).filter(({ cpu }) => cpu !== 7 && cpu !== 6 && cpu !== 5),
      3,
      [[0, 1], [2, 3], [4]],
    ],
    [
      'nodes whose numbers alternate',
      machine(1, 4).map((cpu) => ({ ...cpu, node: cpu.cpu % 2 })),
      2,
      [
        [0, 2],
        [1, 3],
      ],
    ],
  ])('gives %s', (_, cpus, count, sets) => {
    expect(divideCpus(cpus, count)).toEqual(sets);
  });

  it('gives every CPU to one process, and each process at least one', () => {
    for (const nodes of [1, 2, 3, 4])
      for (const cores of [1, 2, 3, 7])
        for (const threads of [1, 2])
          for (let count = 1; count <= nodes * cores * threads; count++) {
            const cpus = machine(nodes, cores, threads);
            const sets = divideCpus(cpus, count);
            expect(sets).toHaveLength(count);
            expect(Math.min(...sets.map((set) => set.length))).toBeGreaterThan(0);
            expect(sets.flat().sort((a, b) => a - b)).toEqual(cpus.map(({ cpu }) => cpu));
          }
  });
});

describe('placedCpus', () => {
  let root: string;
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'octavo-cpu-sets-'));
  });
  afterEach(() => rmSync(root, { recursive: true }));

  function file(path: string, text: string) {
    const full = join(root, path);
    mkdirSync(dirname(full), { recursive: true });
    writeFileSync(full, `${text}\n`);
  }

  it('reads nodes and cores of the CPUs that the process may use', () => {
    file('proc/self/status', 'Name:\tnode\nCpus_allowed_list:\t1-2,6');
    for (let cpu = 0; cpu < 8; cpu++)
      file(`sys/devices/system/cpu/cpu${cpu}/topology/thread_siblings_list`, `${cpu % 4},${(cpu % 4) + 4}`);
    file('sys/devices/system/node/node0/cpulist', '0-1,4-5');
    file('sys/devices/system/node/node10/cpulist', '2-3,6-7');
    // Memory without CPUs.
    file('sys/devices/system/node/node2/cpulist', '');
    file('sys/devices/system/node/possible', '0-10');
    expect(placedCpus(root)).toEqual([
      { cpu: 1, core: '1,5', node: 0 },
      { cpu: 2, core: '2,6', node: 10 },
      { cpu: 6, core: '2,6', node: 10 },
    ]);
  });

  it('does without sysfs', () => {
    file('proc/self/status', 'Cpus_allowed_list:\t3,5');
    expect(placedCpus(root)).toEqual([
      { cpu: 3, core: '3', node: 0 },
      { cpu: 5, core: '5', node: 0 },
    ]);
  });
});
