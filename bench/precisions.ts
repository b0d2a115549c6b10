import { cpuFeatures, type LowerOptions } from '../lib/index.ts';

/** A form of a network that Octavo runs. */
export interface Precision {
  readonly name: string;
  /** Whether it is lowered from the quantized graph, or from the float one. */
  readonly quantized: boolean;
  readonly options: LowerOptions;
}

const always: readonly Precision[] = [
  { name: 'fp32', quantized: false, options: {} },
  { name: 'int8', quantized: true, options: {} },
];

const bfloat16: LowerOptions = { autocast: 'bfloat16' };

/** The forms this machine computes fast; where some are missing, why. */
export function precisionsHere(): { readonly precisions: readonly Precision[]; readonly missing?: string } {
  const { avx512Bf16, amxBf16 } = cpuFeatures().instructionSets;
  if (!avx512Bf16 && !amxBf16) return without('this CPU has neither AVX-512 BF16 nor AMX');
  const mixed = { name: 'int8-mixed-bf16', quantized: true, options: bfloat16 };
  return { precisions: [...always, mixed, { name: 'bf16', quantized: false, options: bfloat16 }] };
}

const without = (reason: string) => ({
  precisions: always,
  missing: `int8-mixed-bf16 and bf16 are left out: ${reason}`,
});
