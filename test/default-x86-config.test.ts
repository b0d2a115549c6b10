import { describe, expect, it } from 'vitest';
import { getDefaultX86QuantizationConfig, needsReducedRange } from '../lib/default-x86-config.ts';
import { cpuFeatures } from '../lib/onednn/cpu-features.ts';

describe('needsReducedRange', () => {
  it.each(['sse41', 'avx', 'avx2', 'avx512_core'])('%s has no VNNI', (isa) => {
    expect(needsReducedRange(isa)).toBe(true);
  });

  it.each(['avx2_vnni', 'avx512_core_vnni', 'avx512_core_bf16', 'avx512_core_amx', 'avx512_core_fp16'])(
    '%s has it',
    (isa) => {
      expect(needsReducedRange(isa)).toBe(false);
    },
  );
});

describe('getDefaultX86QuantizationConfig', () => {
  const quantMax = (reduceRange?: boolean) =>
    getDefaultX86QuantizationConfig(reduceRange === undefined ? {} : { reduceRange }).inputActivation
      ?.quantMax;

  it('takes 7 bits where this CPU needs it, and obeys an explicit choice', () => {
    expect(quantMax()).toBe(needsReducedRange(cpuFeatures().oneDnn.isa) ? 127 : 255);
    expect(quantMax(true)).toBe(127);
    expect(quantMax(false)).toBe(255);
  });
});
