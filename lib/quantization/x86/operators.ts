import {
  type BackendOperator,
  cat,
  conv1d,
  conv2d,
  flatten,
  gru,
  type KernelPattern,
  linear,
  lstm,
  matmul,
  mul,
  x86Backend,
} from '../../backend/index.ts';
import { equivalentsOf, type Graph, isCall, type Node, tensorMeta } from '../../graph/index.ts';
import type { QuantizationConfig } from '../quantization-config.ts';
import { DEFAULT_RECIPE } from '../recipe.ts';

export { cat, flatten, linear, matmul, mul };

/** Layers that run along a sequence: quantized dynamically, or not at all. */
export const recurrentOperators: readonly BackendOperator[] = [lstm, gru];

const annotated = x86Backend.patterns.filter((pattern) => pattern.annotated !== 'never');

function operatorsOf(isMeant: (pattern: KernelPattern) => boolean): readonly BackendOperator[] {
  return [...new Set(annotated.filter(isMeant).map(({ operator }) => operator))];
}

/**
 * Operators that return int8 for int8 input and pay only between quantized operators: input and output share parameters
 * (`int8_in_int8_out_ops`, `propagation_quantizable_ops`).
 */
export const passThroughOperators = operatorsOf(({ qparams }) => qparams === "input's");

/** Operators that a global configuration quantizes (`default_quantizable_ops`). */
export const defaultOperators = operatorsOf((pattern) => pattern.annotated === 'by default');

/** Operators that can be quantized on request, by name or type (`quantizable_ops`). */
export const quantizableOperators = operatorsOf(() => true);

const newSince26: readonly BackendOperator[] = [conv1d, mul];

/** Whether a configuration's recipe annotates the operator at all. */
export function isInRecipe(operator: BackendOperator, config: QuantizationConfig | null): boolean {
  return (config?.recipe ?? DEFAULT_RECIPE) === DEFAULT_RECIPE || !newSince26.includes(operator);
}

const layers = operatorsOf(({ dtypes }) => dtypes.weight !== undefined);
/**
 * The operators at which the recipe starts, for messages. Everything else that it quantizes follows one of these.
 * @param only lists only these operators' layers.
 */
export function describeRecipe(only: readonly BackendOperator[] = defaultOperators): string {
  const described = layers
    .filter((layer) => only.includes(layer))
    .map((layer) => {
      const patterns = annotated.filter(({ operator }) => operator === layer);
      const needed = patterns.every(({ functions }) => functions) ? patterns[0].functions! : [];
      return [layer, ...needed].map(({ name }) => name).join(' followed by ');
    });
  return [...described, ...(only === defaultOperators ? ['mul of two tensors of one shape'] : [])].join(', ');
}

const GENERAL_CONVOLUTION = 'aten.convolution.default';

/**
 * The recipe's operator that a node calls. Layers are recognized in any form, other operators in the form that exports
 * produce.
 */
export function recipeOperator(node: Node): BackendOperator | undefined {
  return quantizableOperators.find((operator) => {
    if (!layers.includes(operator)) return isCall(node, operator.operators[0]);
    if (!isCall(node, ...operator.operators)) return false;
    return node.target !== GENERAL_CONVOLUTION || operator === convolutionOf(node);
  });
}

/** `aten.convolution` has any rank and may be transposed, which has no int8 kernels. */
function convolutionOf(node: Node): BackendOperator | undefined {
  const [, weight, , , , , transposed] = node.args;
  if (transposed === true) return undefined;
  const rank = tensorMeta(weight as Node)?.shape.length;
  return rank === 3 ? conv1d : rank === 4 ? conv2d : undefined;
}

/** The module or function that a node was traced from, if its graph records that. */
export const sourceOf = (node: Node): string | undefined => node.meta.sourceFnStack?.at(-1)?.target;

/**
 * Whether a source is one of an operator's modules and functions, which is how PyTorch's recipe finds layers and what is
 * fused into them. Nodes without a source, as in graphs of ONNX files, are what their operator says.
 */
export function mayComeFrom(source: string | undefined, { sources }: BackendOperator): boolean {
  return source === undefined || sources.flatMap(equivalentsOf).includes(source);
}

/** Whether a node calls a layer. */
export function isLayer(node: Node): boolean {
  const operator = recipeOperator(node);
  return operator !== undefined && layers.includes(operator);
}

/**
 * PyTorch's modules that call layers as functions. The recipe finds none of these layers: they were traced from the
 * module as a whole. Until PyTorch 2.7 that is the outermost of such modules, later the innermost, which is attention.
 */
const enclosingModules: ReadonlySet<string> = new Set([
  ...['MultiheadAttention', 'TransformerEncoderLayer', 'TransformerDecoderLayer'],
  ...['TransformerEncoder', 'TransformerDecoder', 'Transformer'],
]);

/** The class's name if it is one of PyTorch's modules that call layers as functions. */
export function enclosingModuleOf(type: SourceType): string | undefined {
  const name = nameOfType(type);
  return enclosingModules.has(name) ? name : undefined;
}

/** The classes of modules, among those, that layers of a graph were traced from. */
export function classesThatHideLayers({ nodes }: Graph): readonly string[] {
  const names = nodes.filter(isLayer).map((node) => nameOfType(sourceOf(node) ?? ''));
  return [...new Set(names)].filter((name) => enclosingModules.has(name));
}

/** Whether a node was traced inside a module of a class. */
export function isInside(node: Node, className: string): boolean {
  return node.meta.nnModuleStack?.some(({ type }) => type.split('.').at(-1) === className) ?? false;
}

/** What `setFunctionTypeQconfig` calls the products of attention. */
export const attentionFunction = 'scaled_dot_product_attention';

/** Module classes and functions by the last part of their name, with the operator they trace to. */
const operatorByType: ReadonlyMap<string, BackendOperator> = new Map(
  quantizableOperators.flatMap((operator) =>
    operator.sources.map((source) => [source.split('.').at(-1)!, operator] as const),
  ),
);

/** A module class or function, or its name: `nn.Conv2d`, `F.maxPool2d`, `'torch.nn.Conv2d'`, `'max_pool2d'`. */
export type SourceType = string | { readonly name: string };

const lastPart = (type: SourceType): string =>
  (typeof type === 'string' ? type : type.name).split('.').at(-1)!;

/** The last part of its name, with underscores if it is a function. */
export function nameOfType(type: SourceType): string {
  const name = lastPart(type);
  return /^[a-z]/.test(name) ? name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`) : name;
}

/**
 * The operator that a module class or function traces to.
 * @throws Error that lists the configurable types if this is not one of them.
 */
export function operatorOfType(type: SourceType): BackendOperator {
  const operator = operatorByType.get(nameOfType(type));
  if (operator === undefined)
    throw new Error(
      `X86Quantizer cannot configure '${lastPart(type)}'; it can configure ${[...operatorByType.keys(), attentionFunction, ...enclosingModules].join(', ')}`,
    );
  return operator;
}
