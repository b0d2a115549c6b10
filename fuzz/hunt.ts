import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Fault, Message, Task } from './kind.ts';

/** A task, and how it is worked on. */
export interface Hunt extends Task {
  /** Stop after so long, wherever it is then. */
  readonly seconds?: number;
  /** The widest instruction set that oneDNN may use (`ONEDNN_MAX_CPU_ISA`): `AVX512_CORE`. */
  readonly isa?: string;
}

/** A fault with the problem that showed it. */
export interface Finding extends Fault {
  readonly seed: number;
  readonly problem: string;
}

export interface Outcome {
  /** Problems judged. */
  readonly problems: number;
  /** As many of each variant. */
  readonly variants: ReadonlyMap<string, number>;
  readonly findings: readonly Finding[];
  readonly seconds: number;
  /** The first seed that was not reached. */
  readonly next: number;
}

/** No problem takes a second; what takes so long has stopped. */
const hangSeconds = 20;
const watchMilliseconds = 200;
/** No problem's tensors have more than a few MiB; twice of what a process has after 10^5 of them. */
const memoryLimit = 2 * 2 ** 30;

/**
 * Judges the problems of a task in processes of their own: where one crashes, hangs or grows without bound, that is a
 * finding, and another process goes on with the next seed.
 * @param found is called with each finding as soon as it is made.
 * @throws Error when a process ends before its first problem.
 */
export async function hunt(task: Hunt, found: (finding: Finding) => void = () => {}): Promise<Outcome> {
  const start = performance.now();
  const deadline = start + 1000 * (task.seconds ?? Number.POSITIVE_INFINITY);
  const end = task.from + task.count;
  const findings: Finding[] = [];
  const variants = new Map<string, number>();
  let next = task.from;
  while (next < end && performance.now() < deadline) {
    const watched = await watch({ ...task, from: next, count: end - next }, deadline, (finding) => {
      findings.push(finding);
      found(finding);
    });
    for (const variant of watched.judged) variants.set(variant, (variants.get(variant) ?? 0) + 1);
    next = watched.next;
  }
  const problems = [...variants.values()].reduce((sum, count) => sum + count, 0);
  return { problems, variants, findings, seconds: (performance.now() - start) / 1000, next };
}

/** Runs one process until it ends or has to be ended. */
async function watch(task: Hunt, deadline: number, found: (finding: Finding) => void) {
  const { isa } = task;
  const script = fileURLToPath(new URL('child.ts', import.meta.url));
  const child = spawn(process.execPath, ['--import', 'tsx', script, JSON.stringify(task)], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...(isa === undefined ? {} : { ONEDNN_MAX_CPU_ISA: isa }) },
  });
  /** The variants of the problems so far, the current one last. */
  const begun: string[] = [];
  let [current, silence] = [{ seed: task.from - 1, problem: '' }, 0];
  createInterface({ input: child.stdout }).on('line', (line) => {
    const message: Message = JSON.parse(line);
    silence = 0;
    if ('fault' in message) return found({ ...current, ...message });
    const { variant, ...problem } = message;
    begun.push(variant);
    current = problem;
  });
  let stderr = '';
  child.stderr.on('data', (data) => {
    stderr = endsOf(stderr + data);
  });
  let ended: 'hang' | 'memory' | 'time' | undefined;
  const clock = setInterval(() => {
    // Counted in ticks of this process: where it was stopped or starved, so was the other.
    silence += watchMilliseconds;
    if (performance.now() > deadline) ended ??= 'time';
    else if (silence > 1000 * hangSeconds) ended ??= 'hang';
    else if (residentBytes(child.pid!) > memoryLimit) ended ??= 'memory';
    if (ended) child.kill('SIGKILL');
  }, watchMilliseconds);
  const [code, signal] = await once(child, 'close');
  clearInterval(clock);
  if (code === 0) return { judged: begun, next: task.from + task.count };
  if (ended === 'time') return { judged: begun.slice(0, -1), next: current.seed };
  if (begun.length === 0) throw new Error(`the process ended before its first problem: ${stderr || signal}`);
  found({ ...current, ...death(ended, signal ?? `exit code ${code}`, stderr) });
  return { judged: begun, next: current.seed + 1 };
}

function death(ended: 'hang' | 'memory' | undefined, how: string, stderr: string): Fault {
  if (ended === 'hang') return { fault: 'hang', detail: `no result after ${hangSeconds} s` };
  if (ended === 'memory') return { fault: 'memory', detail: `more than ${memoryLimit / 2 ** 20} MiB` };
  return { fault: 'crash', detail: [how, stderr.trim()].filter(Boolean).join(': ') };
}

/** A sanitizer says first what was wrong, Node last. */
const endsOf = (text: string) => (text.length > 4000 ? text.slice(0, 2000) + text.slice(-2000) : text);

/** 0 once the process is gone. */
function residentBytes(pid: number): number {
  try {
    return 4096 * Number(readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')[1]);
  } catch {
    return 0;
  }
}
