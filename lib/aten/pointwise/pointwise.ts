import type { Arguments } from '../../graph/index.ts';
import type { Attributes } from '../../native/addon-types.ts';
import { type UnaryPostOp, unaryAttributes } from '../../onednn/unary.ts';

/** The names of the fused function's parts in an operator's schema. */
export interface UnaryNames {
  readonly name: string;
  readonly scalars: string;
  readonly algorithm: string;
}

/** How Inductor's fused operators name them, by what they fuse the function into. */
export const unaryNames = {
  /** A layer, or any of Octavo's own operators. */
  layer: { name: 'attr', scalars: 'scalars', algorithm: 'algorithm' },
  /** A convolution with an addition. */
  addition: { name: 'unary_attr', scalars: 'unary_scalars', algorithm: 'unary_algorithm' },
  /** `onednn.qlinear_pointwise`. */
  quantizedLinear: { name: 'post_op_name', scalars: 'post_op_args', algorithm: 'post_op_algorithm' },
  /** `onednn.qlinear_pointwise` with an addition. */
  quantizedLinearAddition: {
    name: 'unary_post_op',
    scalars: 'unary_post_op_args',
    algorithm: 'unary_post_op_algorithm',
  },
} as const satisfies Readonly<Record<string, UnaryNames>>;

/**
 * The fused pointwise function of an operator call, as attributes of the native `convolution` and `linear` steps.
 * PyTorch's fused operators describe it by a name, scalars and an algorithm.
 * @throws Error for an unknown name, or scalars that do not belong to it.
 */
export function fusedUnary<T>(args: Arguments<T>, names: UnaryNames): Attributes {
  const name = args.raw(names.name) ?? 'none';
  const scalars = (args.raw(names.scalars) ?? []) as readonly number[];
  const postOp = {
    leaky_relu: { name, negativeSlope: scalars[0] },
    hardtanh: { name, min: scalars[0], max: scalars[1] },
    gelu: { name, approximate: args.raw(names.algorithm) },
  }[name as string] ?? { name };
  return unaryAttributes(postOp as UnaryPostOp);
}

/**
 * `{ binary: 'sum' }` for PyTorch's names of an addition.
 * @throws Error for another operation, or a factor other than 1.
 */
export function fusedSum(name: string, alpha: unknown = 1): Attributes {
  if (name !== 'sum' && name !== 'add') throw new Error(`fused operation '${name}' is not supported`);
  if (alpha !== null && alpha !== 1) throw new Error(`a fused '${name}' takes no alpha but 1, got ${alpha}`);
  return { binary: 'sum' };
}
