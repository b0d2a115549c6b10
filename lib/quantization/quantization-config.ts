import { isPerChannel, isSymmetric } from './qscheme.ts';
import type { Recipe } from './recipe.ts';
import type { QuantizationSpec } from './specs.ts';

/**
 * How a quantizer quantizes an operator's tensors (counterpart: `QuantizationConfig`). Null leaves a tensor in floating
 * point.
 */
export interface QuantizationConfig {
  readonly inputActivation: QuantizationSpec | null;
  readonly outputActivation: QuantizationSpec | null;
  readonly weight: QuantizationSpec | null;
  readonly bias: QuantizationSpec | null;
  /** Whether it is meant for quantization aware training. */
  readonly isQat: boolean;
  /** The PT2E that quantizers follow with it; default `torchao`. */
  readonly recipe?: Recipe;
}

function perTensor(spec: QuantizationSpec | null | undefined, what: string): QuantizationSpec | null {
  if (!spec) return null;
  if (spec.qscheme === undefined || isPerChannel(spec.qscheme))
    throw new Error(`${what} must be quantized per tensor, got qscheme ${spec.qscheme}`);
  return spec;
}

/**
 * The specification of input activations (`get_input_act_qspec`).
 * @throws Error when it is not per tensor.
 */
export function getInputActQspec(config: QuantizationConfig | null): QuantizationSpec | null {
  return perTensor(config?.inputActivation, 'input activations');
}

/**
 * The specification of output activations (`get_output_act_qspec`).
 * @throws Error when it is not per tensor.
 */
export function getOutputActQspec(config: QuantizationConfig | null): QuantizationSpec | null {
  return perTensor(config?.outputActivation, 'output activations');
}

/**
 * The specification of weights (`get_weight_qspec`).
 * @throws Error when it is not symmetric.
 */
export function getWeightQspec(config: QuantizationConfig | null): QuantizationSpec | null {
  const spec = config?.weight ?? null;
  if (spec?.qscheme !== undefined && !isSymmetric(spec.qscheme))
    throw new Error(`weights must be quantized symmetrically, got qscheme ${spec.qscheme}`);
  return spec;
}

/**
 * The specification of biases (`get_bias_qspec`).
 * @throws Error when it is not floating point: backends require float32 biases.
 */
export function getBiasQspec(config: QuantizationConfig | null): QuantizationSpec | null {
  const spec = config?.bias ?? null;
  if (spec !== null && spec.dtype !== 'float32')
    throw new Error(`biases stay float32, got a specification of dtype ${spec.dtype}`);
  return spec;
}
