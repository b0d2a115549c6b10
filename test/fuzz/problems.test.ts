import { describe, expect, it } from 'vitest';
import { hunt } from '../../fuzz/hunt.ts';
import { cpuFeatures } from '../../lib/index.ts';
import { heldInstructionSets } from './held-instruction-sets.ts';

/** Seeds of each kind: seconds. `npm run fuzz` tries many more. */
const counts = { convolutions: 550, pooling: 200, networks: 100, operators: 600 };
/** Of which a busy machine takes a part only. */
const timeout = 180_000;

async function expectNothingFound(kind: string, count: number, isa?: string) {
  const { findings, problems } = await hunt({ kind, from: 0, count, ...(isa === undefined ? {} : { isa }) });
  expect(findings).toEqual([]);
  expect(problems).toBe(count);
}

const { isa: own } = cpuFeatures().oneDnn;
describe.each(heldInstructionSets(own).map((isa) => ({ isa, name: isa ?? own })))(
  'random problems, oneDNN on $name',
  ({ isa }) => {
    it.each(Object.entries(counts))('%s', (kind, count) => expectNothingFound(kind, count, isa), timeout);
  },
);

it('damaged files load or are refused in clear words', () => expectNothingFound('files', 300), timeout);

it('instruction sets to hold oneDNN to', () => {
  expect(heldInstructionSets('sse41')).toEqual([undefined]);
  expect(heldInstructionSets('avx2')).toEqual([undefined]);
  expect(heldInstructionSets('avx2_vnni')).toEqual(['AVX2', undefined]);
  expect(heldInstructionSets('avx512_core_vnni')).toEqual(['AVX2', 'AVX512_CORE', undefined]);
  const all = ['AVX2', 'AVX512_CORE', 'AVX512_CORE_VNNI', undefined];
  for (const own of ['avx512_core_amx', 'avx10_1_512_amx']) expect(heldInstructionSets(own)).toEqual(all);
});
