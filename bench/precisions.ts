import { cpuFeatures, type LowerOptions } from '../lib/index.ts';
import { whyNoFastBfloat16 } from '../lib/onednn/fast-bfloat16.ts';

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

/** The forms this machine computes fast; where some are missing, why. */
export function precisionsHere(): { readonly precisions: readonly Precision[]; readonly missing?: string } {
  const reason = whyNoFastBfloat16(cpuFeatures());
  if (reason) return { precisions: always, missing: `int8-mixed-bf16 and bf16 are left out: ${reason}` };
  const options: LowerOptions = { autocast: 'bfloat16' };
  const mixed = { name: 'int8-mixed-bf16', quantized: true, options };
  return { precisions: [...always, mixed, { name: 'bf16', quantized: false, options }] };
}
