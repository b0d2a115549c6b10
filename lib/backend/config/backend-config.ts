import { DTypeConfig } from './dtype-config.ts';
import { keyOfType, type ObjectType } from './object-type.ts';

/** How observers are placed around a pattern (counterpart: `torch.ao.quantization.backend_config.ObservationType`). */
export const ObservationType = {
  /** Input and output have observers of their own: layers, softmax. */
  OUTPUT_USE_DIFFERENT_OBSERVER_AS_INPUT: 'OUTPUT_USE_DIFFERENT_OBSERVER_AS_INPUT',
  /** The output is quantized as the input is: concatenation, pooling. */
  OUTPUT_SHARE_OBSERVER_WITH_INPUT: 'OUTPUT_SHARE_OBSERVER_WITH_INPUT',
  /** No effect, as in PyTorch: the pattern is observed as by default. */
  INPUT_OUTPUT_NOT_OBSERVED: 'INPUT_OUTPUT_NOT_OBSERVED',
} as const;
export type ObservationType = (typeof ObservationType)[keyof typeof ObservationType];

/** An operator, or two or three that follow each other. */
export type BackendPattern = ObjectType | readonly ObjectType[];

/**
 * How one pattern of operators is quantized for a backend (counterpart: `torch.ao.quantization.backend_config.BackendPatternConfig`).
 * Graphs hold operators, not modules: what PyTorch swaps modules for, such as `set_qat_module` and `set_fuser_method`, has no counterpart.
 *
 * @example
 * const config = new BackendPatternConfig([nn.Linear, nn.ReLU]).setDtypeConfigs([new DTypeConfig({ … })]);
 */
export class BackendPatternConfig {
  readonly pattern: BackendPattern;
  /** The pattern as names, in the order in which the operators run. */
  readonly keys: readonly string[];
  #observationType: ObservationType = ObservationType.OUTPUT_USE_DIFFERENT_OBSERVER_AS_INPUT;
  #byTensorArgs: Readonly<Record<number, ObservationType>> = {};
  #dtypeConfigs: DTypeConfig[] = [];

  /** @throws Error when the pattern names no operator, or more than three. */
  constructor(pattern: BackendPattern) {
    const types: readonly ObjectType[] = Array.isArray(pattern) ? pattern : [pattern as ObjectType];
    if (types.length < 1 || types.length > 3)
      throw new Error(
        `BackendPatternConfig: a pattern has one to three operators, in the order in which they run; got ${types.length}`,
      );
    this.pattern = pattern;
    this.keys = types.map((type) => keyOfType(type, 'BackendPatternConfig'));
  }

  get dtypeConfigs(): readonly DTypeConfig[] {
    return this.#dtypeConfigs;
  }

  get observationType(): ObservationType {
    return this.#observationType;
  }

  /**
   * How the pattern is observed where its first operator has so many tensors among its arguments: the sum of a tensor and a number shares
   * its input's observer, that of two tensors does not.
   */
  observationTypeFor(tensorArgs: number): ObservationType {
    return this.#byTensorArgs[tensorArgs] ?? this.#observationType;
  }

  /** @throws Error when it is no {@link ObservationType}. */
  setObservationType(observationType: ObservationType): this {
    this.#observationType = checkObservationType(observationType);
    return this;
  }

  /** Sets what {@link observationTypeFor} says of some numbers of tensors (PyTorch: `_set_num_tensor_args_to_observation_type`). */
  setNumTensorArgsToObservationType(types: Readonly<Record<number, ObservationType>>): this {
    Object.values(types).forEach(checkObservationType);
    this.#byTensorArgs = { ...types };
    return this;
  }

  /** Adds a combination of dtypes that the pattern may be quantized to. */
  addDtypeConfig(config: DTypeConfig): this {
    return this.setDtypeConfigs([...this.#dtypeConfigs, config]);
  }

  /**
   * Sets all combinations of dtypes that the pattern may be quantized to. With none it stays in floating point.
   * @throws Error when one is not a {@link DTypeConfig}.
   */
  setDtypeConfigs(configs: readonly DTypeConfig[]): this {
    for (const config of configs)
      if (!(config instanceof DTypeConfig))
        throw new Error(`BackendPatternConfig: expected a DTypeConfig, got ${JSON.stringify(config)}`);
    this.#dtypeConfigs = [...configs];
    return this;
  }
}

function checkObservationType(type: ObservationType): ObservationType {
  if (!Object.hasOwn(ObservationType, type))
    throw new Error(
      `BackendPatternConfig: the observation types are ${Object.keys(ObservationType).join(', ')}; got '${String(type)}'`,
    );
  return type;
}

/**
 * The patterns that are quantized for a backend (counterpart: `torch.ao.quantization.backend_config.BackendConfig`). It may say less than
 * Octavo's kernels compute, or more: what has no kernel is computed in floating point between dequantize and quantize, as in PyTorch's
 * reference models.
 *
 * @example
 * // Convolutions stay in floating point, alone and before ReLU.
 * const backend = getNativeBackendConfig()
 *   .setBackendPatternConfig(new BackendPatternConfig(nn.Conv2d))
 *   .setBackendPatternConfig(new BackendPatternConfig([nn.Conv2d, nn.ReLU]));
 */
export class BackendConfig {
  readonly #configs = new Map<string, BackendPatternConfig>();
  /** Says which backend it is: for those who read it. */
  name: string;

  constructor(name = '') {
    this.name = name;
  }

  /** The configurations of all patterns, in the order in which they were set. */
  get configs(): readonly BackendPatternConfig[] {
    return [...this.#configs.values()];
  }

  /** Sets {@link BackendConfig.name}. */
  setName(name: string): this {
    this.name = name;
    return this;
  }

  /**
   * Sets the configuration of a pattern, in place of an earlier one of the same pattern.
   * @throws Error when it is not a {@link BackendPatternConfig}.
   */
  setBackendPatternConfig(config: BackendPatternConfig): this {
    if (!(config instanceof BackendPatternConfig))
      throw new Error(`BackendConfig: expected a BackendPatternConfig, got ${JSON.stringify(config)}`);
    this.#configs.set(config.keys.join(' '), config);
    return this;
  }

  /** Sets the configurations of several patterns. */
  setBackendPatternConfigs(configs: Iterable<BackendPatternConfig>): this {
    for (const config of configs) this.setBackendPatternConfig(config);
    return this;
  }
}
