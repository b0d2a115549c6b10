import type { Arguments } from '../graph/index.ts';
import type { Attributes } from '../onednn/addon.ts';

/**
 * A fused pointwise function as PyTorch's fused operators name it (`attr`, `scalars`, `algorithm`), as attributes of the
 * native `convolution` and `linear` steps.
 * @throws Error for an unknown name, or scalars that do not belong to it.
 */
export function unaryAttributes(
  name: string | null,
  scalars: readonly unknown[],
  algorithm: string | null,
): Attributes {
  const number = (index: number, what: string): number => {
    const value = scalars[index];
    if (typeof value !== 'number') throw new Error(`'${name}' needs ${what} as scalar ${index}`);
    return value;
  };
  switch (name) {
    case null:
    case 'none':
      return {};
    case 'relu':
    case 'hardswish':
    case 'hardsigmoid':
    case 'swish':
    case 'sigmoid':
    case 'tanh':
      return { unary: name };
    case 'leaky_relu':
      return { unary: name, unaryAlpha: number(0, 'the negative slope') };
    case 'hardtanh':
      return {
        unary: name,
        unaryAlpha: number(0, 'the lower bound'),
        unaryBeta: number(1, 'the upper bound'),
      };
    case 'gelu':
      if (algorithm !== 'none' && algorithm !== 'tanh')
        throw new Error(`gelu's algorithm must be 'none' or 'tanh', got '${algorithm}'`);
      return { unary: algorithm === 'tanh' ? 'gelu_tanh' : 'gelu_erf' };
    default:
      throw new Error(`fused function '${name}' is not supported`);
  }
}

/** Where an operator's schema has the parts of its fused function. */
export interface UnaryNames {
  readonly name: string;
  readonly scalars: string;
  readonly algorithm: string;
}

/** {@link unaryAttributes} of an operator call. */
export function fusedUnary<T>(args: Arguments<T>, names: UnaryNames): Attributes {
  const scalars = args.isNone(names.scalars) ? [] : (args.raw(names.scalars) as readonly unknown[]);
  return unaryAttributes(
    args.raw(names.name) as string | null,
    scalars,
    args.raw(names.algorithm) as string | null,
  );
}

/**
 * `{ binary: 'sum' }` for the names PyTorch gives an addition.
 * @throws Error for another operation, or a factor other than 1.
 */
export function fusedSum(name: string, alpha: unknown = 1): Attributes {
  if (name !== 'sum' && name !== 'add') throw new Error(`fused operation '${name}' is not supported`);
  if (alpha !== null && alpha !== 1) throw new Error(`a fused '${name}' takes no alpha but 1, got ${alpha}`);
  return { binary: 'sum' };
}
