import { expect, test } from 'vitest';
import { whyNoFastBfloat16 } from '../../lib/cpu/fast-bfloat16.ts';
import type { InstructionSets } from '../../lib/cpu/instruction-sets.ts';

const cascadeLake: InstructionSets = {
  ...{ avx2: true, avx512Core: true, avx512Vnni: true, avxVnni: false, avx512Bf16: false },
  ...{ avx512Fp16: false, amxTile: false, amxInt8: false, amxBf16: false },
};
const zen4 = { ...cascadeLake, avx512Bf16: true };
const tilesAlone = { ...cascadeLake, amxTile: true, amxBf16: true };
const oneDnn = (isa: string) => ({
  version: '3.7.0',
  runtime: 'omp',
  isa,
  int8SumsSaturate: false,
  prefersChannelBlocks: false,
});

test.each([
  [zen4, 'avx512_core_bf16'],
  [tilesAlone, 'avx512_core_amx'],
  [zen4, 'avx512_core_fp16'],
  // What an oneDNN newer than this code calls it.
  [zen4, 'unknown'],
])('%o with oneDNN on %s is fast', (instructionSets, isa) => {
  expect(whyNoFastBfloat16({ instructionSets, oneDnn: oneDnn(isa) })).toBeUndefined();
});

test('a processor without the instructions is not', () => {
  expect(whyNoFastBfloat16({ instructionSets: cascadeLake, oneDnn: oneDnn('avx512_core_vnni') })).toBe(
    'this CPU has neither AVX512_BF16 nor AMX-BF16 instructions',
  );
});

test.each(['avx2', 'avx2_vnni_2', 'avx512_core', 'avx512_core_vnni'])(
  'nor is one whose oneDNN is held to %s',
  (isa) => {
    expect(whyNoFastBfloat16({ instructionSets: zen4, oneDnn: oneDnn(isa) })).toBe(
      `oneDNN is held to ${isa} (ONEDNN_MAX_CPU_ISA), which has no bfloat16 products`,
    );
  },
);
