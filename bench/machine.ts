import { readFileSync } from 'node:fs';

/** CPU time used so far, in clock ticks: by the whole machine, and by some processes. */
export interface Snapshot {
  readonly pids: readonly number[];
  readonly at: number;
  readonly machine: number;
  readonly own: number;
}

/** `sysconf(_SC_CLK_TCK)`, 100 on every Linux that Node runs on. */
const ticksPerSecond = 100;

export function snapshot(pids: readonly number[]): Snapshot {
  const own = [process.pid, ...pids].reduce((sum, pid) => sum + ticksOf(pid), 0);
  return { pids, at: performance.now(), machine: machineTicks(), own };
}

/** Cores kept busy between two snapshots by anything but this process and `pids`. */
export function otherLoad(before: Snapshot, after: Snapshot): number {
  const ticks = after.machine - before.machine - (after.own - before.own);
  return Math.max(0, ticks / ticksPerSecond / ((after.at - before.at) / 1000));
}

function machineTicks(): number {
  const [user, nice, system, , , irq, softirq, steal] = readFileSync('/proc/stat', 'utf8')
    .split('\n', 1)[0]
    .split(/\s+/)
    .slice(1)
    .map(Number);
  return user + nice + system + irq + softirq + steal;
}

function ticksOf(pid: number): number {
  // The command's name, in parentheses, may hold spaces: fields are counted after it.
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/^.*\)/s, '').trim().split(' ');
  return Number(fields[11]) + Number(fields[12]);
}
