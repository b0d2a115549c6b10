import type { GraphModule } from '../graph/index.ts';
import type { QuantizationConfig, SourceType, X86Quantizer } from '../quantization/index.ts';

/**
 * Exceptions to the recipe's configuration; null leaves layers in floating point (counterpart: PyTorch's older
 * `QConfigMapping`). Names have priority over types and operators.
 */
export interface QuantizationOverrides {
  /** By the module that operators were called in, or any module around it: `{ 'layers.0.attention': null }`. */
  readonly moduleNames?: Readonly<Record<string, QuantizationConfig | null>>;
  /** By class: `[[nn.Conv2d, null]]`. */
  readonly moduleTypes?: readonly (readonly [SourceType, QuantizationConfig | null])[];
  /** By operator: `{ 'aten.matmul.default': config }`. */
  readonly operators?: Readonly<Record<string, QuantizationConfig | null>>;
}

/**
 * Passes the overrides to the quantizer.
 * @throws Error when the model has no module of that name, or the recipe does not support the type or operator.
 */
export function applyOverrides(
  quantizer: X86Quantizer,
  module: GraphModule,
  { moduleNames = {}, moduleTypes = [], operators = {} }: QuantizationOverrides,
): void {
  const known = new Set(
    module.graph.nodes.flatMap((node) => node.meta.nnModuleStack?.map(({ path }) => path) ?? []),
  );
  for (const [name, config] of Object.entries(moduleNames)) {
    if (!known.has(name))
      throw new Error(
        `overrides.moduleNames: the model has no module '${name}'; it has ${[...known].filter(Boolean).join(', ')}`,
      );
    quantizer.setModuleNameQconfig(name, config);
  }
  for (const [type, config] of moduleTypes) quantizer.setModuleTypeQconfig(type, config);
  for (const [operator, config] of Object.entries(operators))
    quantizer.setFunctionTypeQconfig(operator.replace(/^aten\.(\w+)\.\w+$/, '$1'), config);
}
