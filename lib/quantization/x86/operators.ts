/** Convolutions the recipe quantizes. */
export const CONV1D = 'aten.conv1d.default';
export const CONV2D = 'aten.conv2d.default';
export const LINEAR = 'aten.linear.default';
export const MATMUL = 'aten.matmul.default';
export const MUL = 'aten.mul.Tensor';
export const MAX_POOL2D = 'aten.max_pool2d.default';
export const CAT = 'aten.cat.default';
export const FLATTEN = 'aten.flatten.using_ints';

/**
 * Operators that give int8 when they take int8 and are worth it only between quantized operators: input and output share
 * parameters (`int8_in_int8_out_ops`, `propagation_quantizable_ops`).
 */
export const passThroughOperators: readonly string[] = [
  MAX_POOL2D,
  CAT,
  'aten.avg_pool2d.default',
  'aten.adaptive_avg_pool2d.default',
  FLATTEN,
];

/** What a global configuration quantizes (`default_quantizable_ops`). */
export const defaultOperators: readonly string[] = [...passThroughOperators, CONV1D, CONV2D, LINEAR, MUL];

/** What can be quantized when asked for by name or type (`quantizable_ops`). */
export const quantizableOperators: readonly string[] = [...defaultOperators, MATMUL];

/** Module classes and functions by their last name, and the operator they are traced to. */
const operatorByType: Readonly<Record<string, string>> = {
  Conv1d: CONV1D,
  conv1d: CONV1D,
  Conv2d: CONV2D,
  conv2d: CONV2D,
  Linear: LINEAR,
  linear: LINEAR,
  MaxPool2d: MAX_POOL2D,
  max_pool2d: MAX_POOL2D,
  cat: CAT,
  AvgPool2d: 'aten.avg_pool2d.default',
  avg_pool2d: 'aten.avg_pool2d.default',
  AdaptiveAvgPool2d: 'aten.adaptive_avg_pool2d.default',
  adaptive_avg_pool2d: 'aten.adaptive_avg_pool2d.default',
  flatten: FLATTEN,
  matmul: MATMUL,
  mul: MUL,
};

/** A module class or function, or its name: `nn.Conv2d`, `F.maxPool2d`, `'torch.nn.Conv2d'`, `'max_pool2d'`. */
export type SourceType = string | { readonly name: string };

/**
 * The operator that a module class or function is traced to.
 * @throws Error that lists the types that can be configured, when this is none of them.
 */
export function operatorOfType(type: SourceType): string {
  const name = (typeof type === 'string' ? type : type.name).split('.').at(-1)!;
  const isFunction = /^[a-z]/.test(name);
  const key = isFunction ? name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`) : name;
  if (!Object.hasOwn(operatorByType, key))
    throw new Error(
      `X86Quantizer cannot configure '${name}'; it can configure ${Object.keys(operatorByType).join(', ')}`,
    );
  return operatorByType[key];
}
