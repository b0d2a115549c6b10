import type { ComputeFeatures } from './features.ts';

/** oneDNN's names for the instruction sets without bfloat16 products: it emulates them there, or has no kernel. */
const withoutProducts: readonly string[] = [
  'sse41',
  'avx',
  'avx2',
  'avx2_vnni',
  'avx2_vnni_2',
  'avx512_core',
  'avx512_core_vnni',
];

/**
 * Why bfloat16 is not faster than float32 on a machine: a clause for a message. Undefined if it is faster: the
 * processor multiplies bfloat16 (AVX512_BF16 or AMX-BF16) and oneDNN uses that.
 */
export function whyNoFastBfloat16({ instructionSets, oneDnn }: ComputeFeatures): string | undefined {
  if (!instructionSets.avx512Bf16 && !instructionSets.amxBf16)
    return 'this CPU has neither AVX512_BF16 nor AMX-BF16 instructions';
  if (withoutProducts.includes(oneDnn.isa))
    return `oneDNN is held to ${oneDnn.isa} (ONEDNN_MAX_CPU_ISA), which has no bfloat16 products`;
  return undefined;
}
