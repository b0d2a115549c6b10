import {
  type BackendOperator,
  type BackendPattern,
  cat,
  conv1d,
  conv2d,
  flatten,
  matmul,
  mul,
  x86Backend,
} from '../../backend/index.ts';
import { isCall, type Node, tensorMeta } from '../../graph/index.ts';

export { cat, flatten, matmul, mul };

const annotated = x86Backend.patterns.filter((pattern) => pattern.annotated !== 'never');

function operatorsOf(isMeant: (pattern: BackendPattern) => boolean): readonly BackendOperator[] {
  return [...new Set(annotated.filter(isMeant).map(({ operator }) => operator))];
}

/**
 * Operators that give int8 when they take int8 and are worth it only between quantized operators: input and output share
 * parameters (`int8_in_int8_out_ops`, `propagation_quantizable_ops`).
 */
export const passThroughOperators = operatorsOf(({ qparams }) => qparams === "input's");

/** What a global configuration quantizes (`default_quantizable_ops`). */
export const defaultOperators = operatorsOf((pattern) => pattern.annotated === 'by default');

/** What can be quantized when asked for by name or type (`quantizable_ops`). */
export const quantizableOperators = operatorsOf(() => true);

const layers = operatorsOf(({ dtypes }) => dtypes.weight !== undefined);
/**
 * What the recipe begins with, for messages: everything else that it quantizes follows one of these.
 * @param only of layers, the one that is configured.
 */
export function describeRecipe(only?: BackendOperator): string {
  const described = layers
    .filter((layer) => only === undefined || layer === only)
    .map((layer) => {
      const patterns = annotated.filter(({ operator }) => operator === layer);
      const needed = patterns.every(({ functions }) => functions) ? patterns[0].functions! : [];
      return [layer, ...needed].map(({ name }) => name).join(' followed by ');
    });
  return [...described, ...(only ? [] : ['mul of two tensors of one shape'])].join(', ');
}

const GENERAL_CONVOLUTION = 'aten.convolution.default';

/**
 * The operator of the recipe that a node calls: a layer whichever way it was written, of everything else the form that
 * exports give. PyTorch finds layers by the module or function that a node was traced from instead, which hides those inside
 * `nn.MultiheadAttention` and `nn.TransformerEncoderLayer`.
 */
export function recipeOperator(node: Node): BackendOperator | undefined {
  return quantizableOperators.find((operator) => {
    if (!layers.includes(operator)) return isCall(node, operator.operators[0]);
    if (!isCall(node, ...operator.operators)) return false;
    return node.target !== GENERAL_CONVOLUTION || operator === convolutionOf(node);
  });
}

/** `aten.convolution` is of any rank, and may be transposed, which has no int8 kernels. */
function convolutionOf(node: Node): BackendOperator | undefined {
  const [, weight, , , , , transposed] = node.args;
  if (transposed === true) return undefined;
  const rank = tensorMeta(weight as Node)?.shape.length;
  return rank === 3 ? conv1d : rank === 4 ? conv2d : undefined;
}

/** Module classes and functions by their last name, and the operator they are traced to. */
const operatorByType: ReadonlyMap<string, BackendOperator> = new Map(
  quantizableOperators.flatMap((operator) =>
    operator.sources.map((source) => [source.split('.').at(-1)!, operator] as const),
  ),
);

/** A module class or function, or its name: `nn.Conv2d`, `F.maxPool2d`, `'torch.nn.Conv2d'`, `'max_pool2d'`. */
export type SourceType = string | { readonly name: string };

/**
 * The operator that a module class or function is traced to.
 * @throws Error that lists the types that can be configured, when this is none of them.
 */
export function operatorOfType(type: SourceType): BackendOperator {
  const name = (typeof type === 'string' ? type : type.name).split('.').at(-1)!;
  const isFunction = /^[a-z]/.test(name);
  const key = isFunction ? name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`) : name;
  const operator = operatorByType.get(key);
  if (operator === undefined)
    throw new Error(
      `X86Quantizer cannot configure '${name}'; it can configure ${[...operatorByType.keys()].join(', ')}`,
    );
  return operator;
}
