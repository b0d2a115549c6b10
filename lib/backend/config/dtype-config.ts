import { inspect } from 'node:util';
import { checkOptions, type OptionNames } from '../../options.ts';
import { type DType, isDType } from '../../tensor/index.ts';

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

const constraintNames: OptionNames<DTypeConstraints> = {
  ...{ dtype: true, quantMinLowerBound: true, quantMaxUpperBound: true },
  ...{ scaleMinLowerBound: true, scaleExactMatch: true, zeroPointExactMatch: true },
};

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

  /** @throws Error for an unknown name, a dtype that there is not, or a limit that is no number. */
  constructor(constraints: DTypeConstraints = {}) {
    const where = 'DTypeWithConstraints';
    checkOptions(constraints, constraintNames, where);
    const { dtype, ...limits } = constraints;
    checkDType(dtype, 'dtype', where);
    for (const [name, limit] of Object.entries(limits))
      if (limit !== undefined && !Number.isFinite(limit))
        throw new Error(`${where}: ${name} must be a finite number, got ${inspect(limit)}`);
    Object.assign(this, constraints);
  }
}

/** Arguments of {@link DTypeConfig}. What is left out may be anything. */
export interface DTypeConfigArgs {
  readonly inputDtype?: DType | DTypeWithConstraints;
  readonly outputDtype?: DType | DTypeWithConstraints;
  readonly weightDtype?: DType | DTypeWithConstraints;
  /** Says what a bias is. Nothing reads it: biases stay in float32. */
  readonly biasDtype?: DType;
  /** Whether the parameters of inputs are computed when the model runs. */
  readonly isDynamic?: boolean;
}

const dtypeNames: OptionNames<DTypeConfigArgs> = {
  ...{ inputDtype: true, outputDtype: true, weightDtype: true, biasDtype: true },
  isDynamic: 'boolean',
};

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

  /**
   * @param args dtypes, where need be with constraints; one that is left out may be anything.
   * @throws Error for an unknown name or a dtype that there is not.
   */
  constructor(args: DTypeConfigArgs = {}) {
    checkOptions(args, dtypeNames, 'DTypeConfig');
    const { inputDtype, outputDtype, weightDtype, biasDtype, isDynamic = false } = args;
    this.inputDtypeWithConstraints = withConstraints(inputDtype, 'inputDtype');
    this.outputDtypeWithConstraints = withConstraints(outputDtype, 'outputDtype');
    this.weightDtypeWithConstraints = withConstraints(weightDtype, 'weightDtype');
    checkDType(biasDtype, 'biasDtype', 'DTypeConfig');
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

function withConstraints(
  dtype: DType | DTypeWithConstraints | undefined,
  name: string,
): DTypeWithConstraints {
  if (dtype instanceof DTypeWithConstraints) return dtype;
  checkDType(dtype, name, 'DTypeConfig');
  return new DTypeWithConstraints(dtype === undefined ? {} : { dtype });
}

/** PyTorch's quantized dtypes, and what they are called here. */
const quantizedDTypes: Readonly<Record<string, DType>> = { quint8: 'uint8', qint8: 'int8', qint32: 'int32' };

function checkDType(dtype: unknown, name: string, where: string): void {
  if (dtype === undefined || (typeof dtype === 'string' && isDType(dtype))) return;
  const meant = quantizedDTypes[String(dtype)];
  throw new Error(
    `${where}: ${name} is no dtype: ${inspect(dtype)}${meant ? `; here it is '${meant}'` : ''}`,
  );
}
