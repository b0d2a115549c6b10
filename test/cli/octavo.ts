import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { vi } from 'vitest';
import { runCli } from '../../lib/cli/commands.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));

/** What a run of the command left behind. */
export interface Finished {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `octavo` as a process of its own, from its sources, in the project's folder. */
export function octavo(...args: string[]): Finished {
  return octavoWith({}, ...args);
}

/** The same with environment variables. */
export function octavoWith(env: Readonly<Record<string, string>>, ...args: string[]): Finished {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ['--import', 'tsx', 'lib/cli/main.ts', ...args],
    { cwd: root, encoding: 'utf8', env: { ...process.env, ...env } },
  );
  return { code: status, stdout, stderr };
}

/** Runs `octavo` in this process, which takes a tenth of the time. */
export async function octavoHere(...args: string[]): Promise<Finished> {
  const written = { stdout: '', stderr: '' };
  const spies = (['stdout', 'stderr'] as const).map((stream) =>
    vi.spyOn(process[stream], 'write').mockImplementation((text) => {
      written[stream] += text;
      return true;
    }),
  );
  try {
    return { code: await runCli(args), ...written };
  } finally {
    for (const spy of spies) spy.mockRestore();
  }
}
