import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** What the process runs: `node` alone loads nothing. */
export interface Service {
  readonly engine: 'node' | 'octavo' | 'octavo from source' | 'onnxruntime';
  /** The model; none for `node`. */
  readonly file: string;
  readonly threads: number;
}

/** The stages of a process, in order. */
export const stages = ['import', 'load', 'first result', '30 results'] as const;
export type Stage = (typeof stages)[number];

/** Memory of a process in MiB. */
export interface Memory {
  /** Resident pages. */
  readonly rss: number;
  /** The same, but pages that other processes have, too, count in shares (proportional set size). */
  readonly pss: number;
  /** The most that was ever resident. */
  readonly peak: number;
}

/** A process at the end of a stage. */
export interface Reached {
  readonly stage: Stage;
  /** Since the process was started. */
  readonly milliseconds: number;
  readonly memory: Memory;
}

/** Starts a process of its own for a service, and says how it was at the end of each stage. */
export async function observe(service: Service): Promise<ReadonlyMap<Stage, Reached>> {
  const { engine, file, threads } = service;
  const script = fileURLToPath(new URL('serving-process.js', import.meta.url));
  const child = fork(script, [engine, file, String(threads)], { execArgv: [] });
  const exited = once(child, 'exit');
  const reached = new Map<Stage, Reached>();
  for (const expected of stages) {
    const { stage, milliseconds } = await nextReport(child, engine);
    if (stage !== expected) throw new Error(`${engine} reports '${stage}' where '${expected}' was due`);
    reached.set(stage, { stage, milliseconds, memory: memoryOf(child.pid!) });
    child.send('go on');
  }
  await exited;
  return reached;
}

async function nextReport(child: ChildProcess, engine: string) {
  const ended = new AbortController();
  const onExit = () => ended.abort();
  child.once('exit', onExit);
  try {
    const [report] = await once(child, 'message', { signal: ended.signal });
    return report as { stage: Stage; milliseconds: number };
  } catch (error) {
    throw new Error(`${engine} ended before its time, with code ${child.exitCode}`, { cause: error });
  } finally {
    child.off('exit', onExit);
  }
}

function memoryOf(pid: number): Memory {
  const read = (file: string, field: string): number => {
    const match = new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(
      readFileSync(`/proc/${pid}/${file}`, 'utf8'),
    );
    if (!match) throw new Error(`/proc/${pid}/${file} has no ${field}`);
    return Number(match[1]) / 1024;
  };
  return { rss: read('status', 'VmRSS'), pss: read('smaps_rollup', 'Pss'), peak: read('status', 'VmHWM') };
}
