import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { hunt } from '../../fuzz/hunt.ts';
import { cpuFeatures } from '../../lib/index.ts';

/** Seeds of each kind: seconds. Older instruction sets have half of them. `npm run fuzz` tries many more. */
const counts = { convolutions: 550, pooling: 200, networks: 100, operators: 600 };
/** Of which a busy machine takes a part only. */
const timeout = 180_000;

async function expectNothingFound(kind: string, count: number, isa?: string) {
  const { findings, problems } = await hunt({ kind, from: 0, count, ...(isa === undefined ? {} : { isa }) });
  expect(findings).toEqual([]);
  expect(problems).toBe(count);
}

/** What oneDNN can be held to, the set that it uses by itself last. */
const sets = execFileSync(fileURLToPath(new URL('../../script/instruction-sets', import.meta.url)), {
  encoding: 'utf8',
})
  .trim()
  .split('\n');
const own = sets.at(-1);
describe.each(sets)('random problems, oneDNN on %s', (isa) => {
  const held = isa === own ? undefined : isa;
  const seeds = (count: number) => (held === undefined ? count : count / 2);
  it.each(Object.entries(counts))(
    '%s',
    (kind, count) => expectNothingFound(kind, seeds(count), held),
    timeout,
  );
});

it('damaged files load or are refused in clear words', () => expectNothingFound('files', 300), timeout);

it.each(['requests', 'grpc'])(
  'whatever clients send is answered, and servers go on: %s',
  (kind) => expectNothingFound(kind, 300),
  timeout,
);

it('are tried from AVX2 up to the instruction set that oneDNN uses', () => {
  const { isa } = cpuFeatures().oneDnn;
  expect(own).toBe(isa.toUpperCase());
  expect(new Set(sets).size).toBe(sets.length);
  if (isa.startsWith('avx')) expect(sets[0]).toBe(isa === 'avx' ? 'AVX' : 'AVX2');
});
