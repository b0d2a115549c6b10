import type { DType } from '../tensor/index.ts';

/** An operator as people name it and as graphs name it. */
export interface BackendOperator {
  /** Short name: `conv2d`. */
  readonly name: string;
  /** Its ATen operators. The first is the one that an export produces. */
  readonly operators: readonly string[];
  /** The module class, if any, and the functions captured as it, as named in `meta.sourceFnStack`. */
  readonly sources: readonly string[];
}

/** A function of one element that a kernel can apply to its result before storing it. */
export interface PointwiseFunction extends BackendOperator {
  /** Its name in `onednn.*` and `mkldnn.*` operators. */
  readonly fusedAs: string;
}

/** Element types that a kernel reads and writes. */
export interface KernelDTypes {
  readonly inputs: readonly DType[];
  readonly weight?: DType;
  readonly bias?: DType;
  readonly outputs: readonly DType[];
}

/**
 * What the backend computes with one operator: the operator, the addition of another tensor to its result if `addition` is
 * set, and one of `functions` if there are any.
 */
export interface KernelPattern {
  readonly operator: BackendOperator;
  readonly addition?: true;
  readonly functions?: readonly PointwiseFunction[];
  readonly dtypes: KernelDTypes;
  /** Whether the output has its own quantization parameters or those of the input. */
  readonly qparams: 'own' | "input's";
  /** The operator after lowering; `''` if the captured operator stays. */
  readonly computedBy: string;
  /** Whether the backend's quantizer annotates the pattern: under a global configuration, only on request, or never. */
  readonly annotated: 'by default' | 'on request' | 'never';
}

/**
 * What a backend can compute as single operators. `BackendConfig` instead says what of a model is to be quantized for a backend, and is
 * for people to write; whatever that quantizes beyond these kernels is computed in floating point between quantize and dequantize.
 */
export interface BackendKernels {
  readonly name: string;
  /** In the order in which quantizers try them: the longest of several patterns with the same beginning comes first. */
  readonly patterns: readonly KernelPattern[];
}
