import { cpuFeatures } from './onednn/cpu-features.ts';
import {
  type QuantizationConfig,
  type X86QuantizationConfigOptions,
  x86QuantizationConfig,
} from './quantization/index.ts';

/**
 * Whether int8 kernels for an instruction set (as oneDNN names it) add products in 16 bits, where the full range of
 * activations overflows: all that have no VNNI.
 */
export function needsReducedRange(isa: string): boolean {
  return ['sse41', 'avx', 'avx2', 'avx512_core', 'unknown'].includes(isa);
}

/**
 * The recipe of X86 servers: u8 per-tensor affine activations, s8 per-channel symmetric weights, float32 biases
 * (counterpart: `get_default_x86_inductor_quantization_config`). Where the CPU, or what `ONEDNN_MAX_CPU_ISA` leaves of it,
 * has no VNNI, activations keep to 7 bits unless `reduceRange` says otherwise; a process warning tells so.
 */
export function getDefaultX86QuantizationConfig(
  options: X86QuantizationConfigOptions = {},
): QuantizationConfig {
  return x86QuantizationConfig({ ...options, reduceRange: options.reduceRange ?? reduceRangeHere() });
}

function reduceRangeHere(): boolean {
  const { isa } = cpuFeatures().oneDnn;
  const reduce = needsReducedRange(isa);
  if (reduce)
    process.emitWarning(
      `this CPU has no VNNI instructions that oneDNN would use (it uses ${isa}), so 8-bit products are added in 16 bits; ` +
        'activations are quantized to 7 bits (reduceRange) to keep the sums from overflowing, which costs some accuracy. ' +
        'For models that will run on another CPU set reduceRange to false.',
      'OctavoWarning',
    );
  return reduce;
}
