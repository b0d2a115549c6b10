import { type BackendOperator, integerProducts } from '../../backend/index.ts';
import type { GraphModule, Node } from '../../graph/index.ts';
import type { QuantizationConfig } from '../quantization-config.ts';
import { Quantizer } from '../quantizer.ts';
import { DEFAULT_RECIPE, type Recipe } from '../recipe.ts';
import type { Assignment, NodesFilter } from './annotation.ts';
import { isProductOfAttention, spellOutAttention } from './attention.ts';
import { annotateFusionPatterns } from './fusion-patterns.ts';
import {
  attentionFunction,
  defaultOperators,
  enclosingModuleOf,
  isInside,
  isLayer,
  nameOfType,
  operatorOfType,
  recipeOperator,
  recurrentOperators,
  type SourceType,
} from './operators.ts';
import {
  annotateMatmuls,
  annotateProducts,
  annotateSharedOutputs,
  propagateAnnotations,
} from './propagation.ts';
import { annotateRecurrentLayers } from './recurrent.ts';

/**
 * Quantizes what oneDNN runs in int8 on x86 servers (counterpart: `X86InductorQuantizer`): convolutions and linear
 * layers with the activations and additions fused into them, products of tensors, and the pooling, concatenation and
 * flatten between them; with dynamic configurations also LSTM and GRU layers. It follows the recipe of its
 * configurations; docs/recipes.md lists what that is.
 *
 * Layers and the functions fused into them are found by the module or function that they were traced from, as in
 * PyTorch, where the graph records it. Layers within `nn.MultiheadAttention` therefore stay in floating point, unless
 * they are configured by this type. A value computed only from constants counts as a weight, not as an activation.
 *
 * Configurations by module name have priority over those by type, and these over the global one. A null configuration
 * leaves its layers in floating point.
 */
export class X86Quantizer extends Quantizer {
  #global: QuantizationConfig | null = null;
  readonly #byOperator = new Map<BackendOperator, QuantizationConfig | null>();
  readonly #byEnclosingModule = new Map<string, QuantizationConfig | null>();
  /** Of attention's products. */
  #attention: QuantizationConfig | null | undefined;
  readonly #byModuleName = new Map<string, QuantizationConfig | null>();

  /**
   * Sets the configuration of everything that no other configuration names.
   * @throws Error when the backend has no kernels for its dtypes, or it mixes training with calibration, or static with
   * dynamic quantization, or two recipes.
   */
  setGlobal(config: QuantizationConfig | null): this {
    this.#checkMode(config);
    this.#global = config;
    return this;
  }

  /** The configuration set by {@link setGlobal}. */
  getGlobalQuantizationConfig(): QuantizationConfig | null {
    return this.#global;
  }

  /**
   * Sets the configuration of everything traced inside a module: `setModuleNameQconfig('blocks.sub', null)`.
   * @throws Error when the backend has no kernels for its dtypes, or it mixes training with calibration, or static with
   * dynamic quantization, or two recipes.
   */
  setModuleNameQconfig(moduleName: string, config: QuantizationConfig | null): this {
    this.#checkMode(config);
    this.#byModuleName.set(moduleName, config);
    return this;
  }

  /**
   * Sets the configuration of all modules of a class: `setModuleTypeQconfig(nn.Linear, config)`. For
   * `'MultiheadAttention'` and PyTorch's transformer modules it is that of all layers inside, including those that the
   * recipe does not find.
   * @throws Error when the class is not one that can be configured, or on mixed modes, or on static quantization of
   * recurrent layers.
   */
  setModuleTypeQconfig(moduleType: SourceType, config: QuantizationConfig | null): this {
    this.#checkMode(config);
    if (nameOfType(moduleType) === attentionFunction) {
      if (config?.inputActivation?.isDynamic)
        throw new Error(`X86Quantizer: ${attentionFunction} is quantized statically alone`);
      this.#attention = config;
      return this;
    }
    const enclosing = enclosingModuleOf(moduleType);
    if (enclosing !== undefined) {
      this.#byEnclosingModule.set(enclosing, config);
      return this;
    }
    const operator = operatorOfType(moduleType);
    if (recurrentOperators.includes(operator) && config !== null && !config.inputActivation?.isDynamic)
      throw new Error(
        `X86Quantizer: ${operator.name} layers are quantized dynamically alone; ` +
          'take getDefaultX86QuantizationConfig({ isDynamic: true })',
      );
    this.#byOperator.set(operator, config);
    return this;
  }

  /**
   * Sets the configuration of all calls of a function: `setFunctionTypeQconfig('torch.matmul', config)`. That of
   * `'scaled_dot_product_attention'` is for the products of attention, whether it is called as such or spelled out: a call
   * becomes `softmax(q k^T * scale + mask) v`, and `lower` makes one operator of that again, on 8-bit integers.
   * Causal attention, and that with a mask of booleans or shared heads, stays in floating point.
   * @throws Error when the function is not one that can be configured, on mixed modes, or on dynamic quantization of attention.
   */
  setFunctionTypeQconfig(functionType: SourceType, config: QuantizationConfig | null): this {
    return this.setModuleTypeQconfig(functionType, config);
  }

  override get recipe(): Recipe {
    const [config] = this.#configs();
    return config?.recipe ?? DEFAULT_RECIPE;
  }

  override transformForAnnotation(module: GraphModule): GraphModule {
    const excluded = [...this.#byModuleName].filter(([, config]) => config === null);
    if (this.#attention)
      spellOutAttention(module, (node) => !excluded.some(([name]) => isFromModule(name)([node])));
    return module;
  }

  override annotate(module: GraphModule): void {
    const assignments: Assignment[] = [
      ...[...this.#byModuleName].map(([name, config]) => ({ config, filter: isFromModule(name) })),
      ...[...this.#byEnclosingModule].map(([name, config]) => ({
        config,
        filter: isLayerInside(name),
        byOperator: true as const,
      })),
      ...(this.#attention === undefined
        ? []
        : [
            {
              config: this.#attention,
              filter: (nodes: readonly Node[]) => nodes.every(isProductOfAttention),
            },
          ]),
      ...[...this.#byOperator].map(([operator, config]) => ({ config, filter: hasOne([operator]) })),
    ];
    if (this.#global)
      assignments.push({
        config: this.#global,
        filter: hasOne([...defaultOperators, ...recurrentOperators]),
      });
    for (const assignment of assignments) {
      annotateFusionPatterns(module, assignment);
      annotateRecurrentLayers(module, assignment);
      annotateMatmuls(module, assignment);
      annotateProducts(module, assignment);
      propagateAnnotations(module, assignment);
    }
    annotateSharedOutputs(module);
  }

  #configs(): readonly QuantizationConfig[] {
    const byType = [...this.#byEnclosingModule.values(), ...this.#byOperator.values()];
    const all = [...this.#byModuleName.values(), ...byType, this.#attention ?? null, this.#global];
    return all.filter((config) => config !== null);
  }

  #checkMode(config: QuantizationConfig | null): void {
    if (config === null) return;
    if (typeof config !== 'object' || config.inputActivation === undefined)
      throw new Error(
        'X86Quantizer: a configuration is null or an object such as getDefaultX86QuantizationConfig() gives, ' +
          `got ${JSON.stringify(config)}`,
      );
    checkDTypes(config);
    for (const other of this.#configs()) {
      const [first, second] = [other, config].map(({ recipe = DEFAULT_RECIPE }) => recipe);
      if (first !== second)
        throw new Error(`X86Quantizer: the recipes ${first} and ${second} cannot be mixed`);
      if (other.isQat !== config.isQat)
        throw new Error('X86Quantizer: quantization aware training and calibration cannot be mixed');
      const [a, b] = [other.inputActivation, config.inputActivation];
      if (a && b && a.isDynamic !== b.isDynamic)
        throw new Error('X86Quantizer: static and dynamic quantization cannot be mixed');
    }
  }
}

/** Configurations without activations (float16 weights) need no integer kernel. */
function checkDTypes({ inputActivation, weight }: QuantizationConfig): void {
  if (inputActivation === null) return;
  const { inputs, weight: weightDType } = integerProducts;
  if (!inputs.some((dtype) => dtype === inputActivation.dtype))
    throw new Error(
      `X86Quantizer: the backend takes ${inputs.join(' or ')} activations, got ${inputActivation.dtype}`,
    );
  if (weight !== null && weight.dtype !== weightDType)
    throw new Error(`X86Quantizer: the backend takes ${weightDType} weights, got ${weight.dtype}`);
}

/** Whether all nodes were traced inside the module or one of its submodules. */
function isFromModule(name: string): NodesFilter {
  const isInside = (node: Node) => node.meta.nnModuleStack?.some(({ path }) => path === name) ?? false;
  return (nodes) => nodes.every(isInside);
}

/** Whether all nodes were traced inside a module of the class, and one is a layer. */
function isLayerInside(className: string): NodesFilter {
  return (nodes) => nodes.some(isLayer) && nodes.every((node) => isInside(node, className));
}

/** Whether a node calls one of the operators. */
function hasOne(operators: readonly (BackendOperator | undefined)[]): NodesFilter {
  return (nodes) => nodes.filter((node) => operators.includes(recipeOperator(node))).length === 1;
}
