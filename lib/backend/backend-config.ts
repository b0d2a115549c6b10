import type { DType } from '../tensor/index.ts';

/** An operator as people write it, and as graphs have it. */
export interface BackendOperator {
  /** Short name: `conv2d`. */
  readonly name: string;
  /** Its ATen operators; the one that an export gives first. */
  readonly operators: readonly string[];
  /** The module class, if there is one, and the functions that are captured as it, as `meta.sourceFnStack` names them. */
  readonly sources: readonly string[];
}

/** A function of one element that a kernel can compute on its result before storing it. */
export interface PointwiseFunction extends BackendOperator {
  /** The name that `onednn.*` and `mkldnn.*` operators know it by. */
  readonly fusedAs: string;
}

/** Element types that a kernel takes and gives (counterpart: `DTypeConfig`). */
export interface DTypeConfig {
  readonly inputs: readonly DType[];
  readonly weight?: DType;
  readonly bias?: DType;
  readonly outputs: readonly DType[];
}

/**
 * Something the backend computes with one operator (counterpart: `BackendPatternConfig`): an operator, an addition of
 * another tensor to its result where `addition` says so, and one of `functions` where there are some.
 */
export interface BackendPattern {
  readonly operator: BackendOperator;
  readonly addition?: true;
  readonly functions?: readonly PointwiseFunction[];
  readonly dtypes: DTypeConfig;
  /** Whether the output has quantization parameters of its own or those of the input (PyTorch: `ObservationType`). */
  readonly qparams: 'own' | "input's";
  /** The operator after lowering; `''` where it stays the captured one. */
  readonly computedBy: string;
  /** Whether the backend's quantizer annotates it: with a global configuration, only when named, or never. */
  readonly annotated: 'by default' | 'on request' | 'never';
}

/** What a backend computes in one go (counterpart: `torch.ao.quantization.backend_config.BackendConfig`). */
export interface BackendConfig {
  readonly name: string;
  /** In the order quantizers try them: of patterns that begin alike, the one that covers most first. */
  readonly patterns: readonly BackendPattern[];
}
