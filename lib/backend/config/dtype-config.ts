import type { DType } from '../../tensor/index.ts';

/** Arguments of {@link DTypeWithConstraints}. */
export interface DTypeConstraints {
  readonly dtype?: DType;
  /** The smallest quantized value that the backend reads. Counts only together with `quantMaxUpperBound`. */
  readonly quantMinLowerBound?: number;
  readonly quantMaxUpperBound?: number;
  /** The smallest scale; a configuration's is the `eps` of its observer. */
  readonly scaleMinLowerBound?: number;
  /** For operators of a fixed range, such as sigmoid: the observer must have this scale. Counts only together with `zeroPointExactMatch`. */
  readonly scaleExactMatch?: number;
  readonly zeroPointExactMatch?: number;
}

/**
 * A dtype, and what a backend asks of its quantization besides (counterpart:
 * `torch.ao.quantization.backend_config.DTypeWithConstraints`). Where a QConfig does not satisfy it, its operators stay in floating
 * point, with a process warning that says why.
 *
 * @example
 * const weight = new DTypeWithConstraints({ dtype: 'int8', quantMinLowerBound: -127, quantMaxUpperBound: 127 });
 */
export class DTypeWithConstraints implements DTypeConstraints {
  declare readonly dtype?: DType;
  declare readonly quantMinLowerBound?: number;
  declare readonly quantMaxUpperBound?: number;
  declare readonly scaleMinLowerBound?: number;
  declare readonly scaleExactMatch?: number;
  declare readonly zeroPointExactMatch?: number;

  constructor(constraints: DTypeConstraints = {}) {
    Object.assign(this, constraints);
  }
}

/** Arguments of {@link DTypeConfig}. What is left out may be anything. */
export interface DTypeConfigArgs {
  readonly inputDtype?: DType | DTypeWithConstraints;
  readonly outputDtype?: DType | DTypeWithConstraints;
  readonly weightDtype?: DType | DTypeWithConstraints;
  readonly biasDtype?: DType;
  /** Whether the parameters of inputs are computed when the model runs. */
  readonly isDynamic?: boolean;
}

/**
 * Dtypes that a pattern is quantized to (counterpart: `torch.ao.quantization.backend_config.DTypeConfig`). PyTorch's `quint8` is
 * `uint8` here, and `qint8` is `int8`.
 *
 * @example
 * const config = new DTypeConfig({ inputDtype: 'uint8', outputDtype: 'uint8', weightDtype: 'int8', biasDtype: 'float32' });
 */
export class DTypeConfig {
  readonly inputDtypeWithConstraints: DTypeWithConstraints;
  readonly outputDtypeWithConstraints: DTypeWithConstraints;
  readonly weightDtypeWithConstraints: DTypeWithConstraints;
  readonly biasDtype: DType | undefined;
  readonly isDynamic: boolean;

  constructor({ inputDtype, outputDtype, weightDtype, biasDtype, isDynamic = false }: DTypeConfigArgs = {}) {
    this.inputDtypeWithConstraints = withConstraints(inputDtype);
    this.outputDtypeWithConstraints = withConstraints(outputDtype);
    this.weightDtypeWithConstraints = withConstraints(weightDtype);
    this.biasDtype = biasDtype;
    this.isDynamic = isDynamic;
  }

  get inputDtype(): DType | undefined {
    return this.inputDtypeWithConstraints.dtype;
  }

  get outputDtype(): DType | undefined {
    return this.outputDtypeWithConstraints.dtype;
  }

  get weightDtype(): DType | undefined {
    return this.weightDtypeWithConstraints.dtype;
  }
}

function withConstraints(dtype: DType | DTypeWithConstraints | undefined): DTypeWithConstraints {
  if (dtype instanceof DTypeWithConstraints) return dtype;
  return new DTypeWithConstraints(dtype === undefined ? {} : { dtype });
}
