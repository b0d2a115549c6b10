import { whyNoFastBfloat16 } from '../lib/cpu/fast-bfloat16.ts';
import { cpuFeatures, type LowerOptions, type X86QuantizationConfigOptions } from '../lib/index.ts';

/** A form of a network that Octavo runs. */
export interface Precision {
  readonly name: string;
  /** How the graph is quantized; where left out, it stays float. */
  readonly quantization?: X86QuantizationConfigOptions;
  readonly options: LowerOptions;
}

const always: readonly Precision[] = [
  { name: 'fp32', options: {} },
  { name: 'int8', quantization: {}, options: {} },
];

/** Activations of 7 bits: worth a comparison where oneDNN's sums of 8-bit products saturate. */
const reduced: Precision = { name: 'int8 reduced', quantization: { reduceRange: true }, options: {} };

const bfloat16: LowerOptions = { autocast: 'bfloat16' };

/** The forms that are computed fast on this machine, within what `ONEDNN_MAX_CPU_ISA` allows; where some are missing, why. */
export function precisionsHere(): { readonly precisions: readonly Precision[]; readonly missing?: string } {
  const features = cpuFeatures();
  const integers = features.oneDnn.int8SumsSaturate ? [...always, reduced] : always;
  const reason = whyNoFastBfloat16(features);
  if (reason !== undefined)
    return { precisions: integers, missing: `int8-mixed-bf16 and bf16 are left out: ${reason}` };
  const mixed = { name: 'int8-mixed-bf16', quantization: {}, options: bfloat16 };
  return { precisions: [...integers, mixed, { name: 'bf16', options: bfloat16 }] };
}

/** The medians of Octavo's int8 forms, by the contestants' names. */
export function octavoInt8(milliseconds: Readonly<Record<string, number>>): [name: string, time: number][] {
  return Object.entries(milliseconds).filter(([name]) => name.startsWith('Octavo int8'));
}

/** How many times as fast as another engine's int8 each of Octavo's forms of it is, by the contestants' medians. */
export function int8Ratios(
  milliseconds: Readonly<Record<string, number>>,
  other: string,
): Record<string, number> {
  return Object.fromEntries(
    octavoInt8(milliseconds).map(([name, time]) => [
      `${name.slice('Octavo '.length)} over ${other}`,
      milliseconds[other] / time,
    ]),
  );
}
