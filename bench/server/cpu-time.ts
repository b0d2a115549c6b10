import { readdirSync, readFileSync } from 'node:fs';

/** CPU time that a process of Node has used, in milliseconds. */
export interface CpuTime {
  /** Its first thread, which runs JavaScript and reads and writes sockets. */
  readonly eventLoop: number;
  /** All other threads. */
  readonly others: number;
}

export function cpuTimeOf(pid: number): CpuTime {
  const tasks = readdirSync(`/proc/${pid}/task`);
  const times = tasks.map((task) => [Number(task), timeOf(pid, task)] as const);
  const sum = (isCounted: (task: number) => boolean) =>
    times.reduce((total, [task, time]) => (isCounted(task) ? total + time : total), 0);
  return { eventLoop: sum((task) => task === pid), others: sum((task) => task !== pid) };
}

/** The first number is nanoseconds. Of a thread that has ended meanwhile, 0. */
function timeOf(pid: number, task: string): number {
  try {
    return Number(readFileSync(`/proc/${pid}/task/${task}/schedstat`, 'utf8').split(' ')[0]) / 1e6;
  } catch (error) {
    if (
      (error as NodeJS.ErrnoException).code === 'ENOENT' ||
      (error as NodeJS.ErrnoException).code === 'ESRCH'
    )
      return 0;
    throw error;
  }
}

export const since = (before: CpuTime, after: CpuTime): CpuTime => ({
  eventLoop: after.eventLoop - before.eventLoop,
  others: after.others - before.others,
});
