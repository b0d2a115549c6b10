import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, test } from 'vitest';
import { cpuTopology, physicalCores } from '../../lib/cpu/topology.ts';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'octavo-topology-'));
});
afterEach(() => rmSync(root, { recursive: true }));

function file(path: string, text: string) {
  const full = join(root, path);
  mkdirSync(dirname(full), { recursive: true });
  writeFileSync(full, `${text}\n`);
}

const allow = (cpus: string) =>
  file('proc/self/status', `Name:\tnode\nCpus_allowed:\tff\nCpus_allowed_list:\t${cpus}`);

/** Two sockets of two cores of two threads, numbered as Linux does: first threads 0-3, their siblings 4-7. */
function twoSockets() {
  for (let cpu = 0; cpu < 8; ++cpu) {
    const core = cpu % 4;
    const socket = core >> 1;
    const siblings = `${core},${core + 4}`;
    const folder = `sys/devices/system/cpu/cpu${cpu}`;
    file(`${folder}/topology/thread_siblings_list`, siblings);
    file(`${folder}/topology/core_id`, `${core % 2}`);
    file(`${folder}/topology/physical_package_id`, `${socket}`);
    const caches = [
      ['1', 'Data', '48K', siblings],
      ['1', 'Instruction', '32K', siblings],
      ['2', 'Unified', '2M', siblings],
      ['3', 'Unified', '107520K', socket ? '2-3,6-7' : '0-1,4-5'],
    ];
    for (const [index, [level, type, size, shared]] of caches.entries()) {
      file(`${folder}/cache/index${index}/level`, level as string);
      file(`${folder}/cache/index${index}/type`, type as string);
      file(`${folder}/cache/index${index}/size`, size as string);
      file(`${folder}/cache/index${index}/shared_cpu_list`, shared as string);
    }
    file(`${folder}/cache/uevent`, '');
  }
}

const kib = 1024;

describe('cpuTopology', () => {
  it('counts threads, cores, sockets and caches of a whole machine', () => {
    twoSockets();
    allow('0-7');
    expect(cpuTopology(root)).toEqual({
      logicalCpus: 8,
      cores: 4,
      sockets: 2,
      caches: [
        { level: 1, type: 'data', bytes: 48 * kib, instances: 4 },
        { level: 1, type: 'instruction', bytes: 32 * kib, instances: 4 },
        { level: 2, type: 'unified', bytes: 2048 * kib, instances: 4 },
        { level: 3, type: 'unified', bytes: 107520 * kib, instances: 2 },
      ],
    });
  });

  it('counts only what the affinity mask leaves', () => {
    twoSockets();
    allow('2,6-7');
    expect(cpuTopology(root)).toEqual({
      logicalCpus: 3,
      cores: 2,
      sockets: 1,
      caches: [
        { level: 1, type: 'data', bytes: 48 * kib, instances: 2 },
        { level: 1, type: 'instruction', bytes: 32 * kib, instances: 2 },
        { level: 2, type: 'unified', bytes: 2048 * kib, instances: 2 },
        { level: 3, type: 'unified', bytes: 107520 * kib, instances: 1 },
      ],
    });
  });

  it('does without sysfs', () => {
    allow('1,3');
    expect(cpuTopology(root)).toEqual({ logicalCpus: 2, cores: 2, sockets: 1, caches: [] });
  });

  it('does without /proc', () => {
    const count = availableParallelism();
    expect(cpuTopology(root)).toEqual({ logicalCpus: count, cores: count, sockets: 1, caches: [] });
  });
});

test.each([
  ['0-3,8,10-11', 7],
  ['5', 1],
])('physicalCores reads the list of CPUs %s', (cpus, cores) => {
  allow(cpus);
  expect(physicalCores(root)).toBe(cores);
});

test('physicalCores counts hyper-threads of a core once', () => {
  twoSockets();
  allow('1-2,5-6');
  expect(physicalCores(root)).toBe(2);
});
