import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

interface Outcome {
  readonly name: string;
  /** Whether it is for our own kernels; undefined where it may run on oneDNN's as well. */
  readonly own?: boolean;
  readonly implementation: string;
  readonly wrong: number;
}

/** Runs the cases in a process that lets oneDNN use no more than an instruction set. */
function outcomes(isa: string): readonly Outcome[] {
  const script = fileURLToPath(new URL('exact-layers-child.ts', import.meta.url));
  const environment = { ...process.env, ONEDNN_MAX_CPU_ISA: isa };
  const args = ['--import', 'tsx', script];
  return JSON.parse(execFileSync(process.execPath, args, { encoding: 'utf8', env: environment }));
}

it.each(['AVX2', 'AVX512_CORE'])('%s: without VNNI no sum of 8-bit products saturates', (isa) => {
  const cases = outcomes(isa);
  expect(cases.length).toBeGreaterThan(200);
  for (const { name, own, implementation, wrong } of cases) {
    if (own !== undefined)
      expect({ name, own: implementation.includes('octavo:exact:') }).toEqual({ name, own });
    expect({ name, wrong }).toEqual({ name, wrong: 0 });
  }
});
