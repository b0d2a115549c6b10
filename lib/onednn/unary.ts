import type { Attributes } from '../native/addon-types.ts';

/**
 * A pointwise function fused into a convolution or linear, after bias and addition and before requantization
 * (PyTorch's `attr`, `scalars` and `algorithm`).
 *
 * - `hardtanh` clamps to `min..max` (relu6: 0..6)
 * - `swish` is silu, `x * sigmoid(x)`
 * - `gelu` is exact (erf) unless `approximate` is `'tanh'`
 */
export type UnaryPostOp =
  | {
      readonly name: 'none' | 'relu' | 'hardswish' | 'hardsigmoid' | 'swish' | 'sigmoid' | 'tanh';
    }
  | { readonly name: 'leaky_relu'; readonly negativeSlope: number }
  | { readonly name: 'hardtanh'; readonly min: number; readonly max: number }
  | { readonly name: 'gelu'; readonly approximate?: 'none' | 'tanh' };

function finite(value: unknown, what: string): number {
  if (typeof value !== 'number' || Number.isNaN(value))
    throw new Error(`${what} must be a number, got ${String(value)}`);
  return value;
}

/**
 * A fused function as attributes of the native `convolution` and `linear` steps.
 * @throws Error for an unknown name, or numbers that are missing.
 */
export function unaryAttributes(unary: UnaryPostOp): Attributes {
  switch (unary.name) {
    case 'none':
      return {};
    case 'relu':
    case 'hardswish':
    case 'hardsigmoid':
    case 'swish':
    case 'sigmoid':
    case 'tanh':
      return { unary: unary.name };
    case 'leaky_relu':
      return { unary: unary.name, unaryAlpha: finite(unary.negativeSlope, "leaky_relu's negative slope") };
    case 'hardtanh':
      return {
        unary: unary.name,
        unaryAlpha: finite(unary.min, "hardtanh's lower bound"),
        unaryBeta: finite(unary.max, "hardtanh's upper bound"),
      };
    case 'gelu': {
      const { approximate = 'none' } = unary;
      if (approximate !== 'none' && approximate !== 'tanh')
        throw new Error(`gelu's approximation must be 'none' or 'tanh', got '${String(approximate)}'`);
      return { unary: approximate === 'tanh' ? 'gelu_tanh' : 'gelu_erf' };
    }
    default:
      throw new Error(
        typeof unary === 'string'
          ? `unary must be an object such as { name: 'relu' }, got '${unary}'`
          : `fused function '${String((unary as { name?: unknown }).name)}' is not supported`,
      );
  }
}
