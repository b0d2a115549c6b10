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

/** Runs the cases in a process of its own, which may let oneDNN use no more than an instruction set. */
function outcomes(limit: { readonly ONEDNN_MAX_CPU_ISA?: string }): readonly Outcome[] {
  const script = fileURLToPath(new URL('exact-layers-child.ts', import.meta.url));
  const args = ['--import', 'tsx', script];
  return JSON.parse(
    execFileSync(process.execPath, args, { encoding: 'utf8', env: { ...process.env, ...limit } }),
  );
}

function expectNoneWrong(cases: readonly Outcome[]) {
  expect(cases.length).toBeGreaterThan(200);
  expect(cases.filter(({ wrong }) => wrong > 0)).toEqual([]);
}

it.each(['AVX2', 'AVX512_CORE'])('%s: without VNNI no sum of 8-bit products saturates', (isa) => {
  const cases = outcomes({ ONEDNN_MAX_CPU_ISA: isa });
  expectNoneWrong(cases);
  for (const { name, own, implementation } of cases) {
    expect({ name, implementation }).not.toMatchObject({
      implementation: expect.stringContaining('octavo:depthwise'),
    });
    if (own !== undefined)
      expect({ name, own: implementation.includes('octavo:exact:') }).toEqual({ name, own });
  }
});

it('nor does one with all that this CPU has', () => {
  expectNoneWrong(outcomes({}));
});
