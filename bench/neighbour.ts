import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';

/** Loops for as long as its parent lives. */
const busyLoop =
  'const parent = process.ppid; while (process.ppid === parent) for (let i = 0; i < 1e7; i++);';

/** A process that keeps one CPU busy as long as the work lasts: the last one this process may use. */
export async function withNeighbour<T>(work: (pid: number) => Promise<T>): Promise<T> {
  const allowed = /^Cpus_allowed_list:\s*(\S+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))![1];
  const cpu = allowed.split(/[,-]/).at(-1)!;
  const neighbour = spawn('taskset', ['--cpu-list', cpu, process.execPath, '-e', busyLoop], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const exited = once(neighbour, 'exit');
  await once(neighbour, 'spawn');
  try {
    return await work(neighbour.pid!);
  } finally {
    neighbour.kill('SIGKILL');
    await exited;
  }
}
