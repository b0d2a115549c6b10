import type { Node } from '../../graph/index.ts';
import type { DType } from '../../tensor/index.ts';
import type { GradientBuilder } from './rule.ts';

/** A factor of a product, a term of a sum. */
export type Operand = Node | number;

export const add = (g: GradientBuilder, a: Node, b: Operand): Node => g.call('aten.add.Tensor', a, b);
export const sub = (g: GradientBuilder, a: Node, b: Operand): Node => g.call('aten.sub.Tensor', a, b);
export const div = (g: GradientBuilder, a: Node, b: Operand): Node => g.call('aten.div.Tensor', a, b);
export const neg = (g: GradientBuilder, a: Node): Node => g.call('aten.neg.default', a);

/** The product of all factors, from left to right. */
export const mul = (g: GradientBuilder, a: Node, ...factors: readonly Operand[]): Node =>
  factors.reduce<Node>((product, factor) => g.call('aten.mul.Tensor', product, factor), a);

/** 1 - a */
export const oneMinus = (g: GradientBuilder, a: Node): Node => g.call('aten.rsub.Scalar', a, 1);

/** `grad` where the condition holds, otherwise 0: also where `grad` is infinite. */
export const where = (g: GradientBuilder, condition: Node, grad: Node): Node =>
  g.call('aten.where.ScalarOther', condition, grad, 0);

/** The same where the condition does not hold. */
export const whereNot = (g: GradientBuilder, condition: Node, grad: Node): Node =>
  g.call('aten.masked_fill.Scalar', grad, condition, 0);

export const and = (g: GradientBuilder, a: Node, b: Node): Node => g.call('aten.logical_and.default', a, b);

export const or = (g: GradientBuilder, a: Node, b: Node): Node => g.call('aten.logical_or.default', a, b);

/** A comparison with a number: `compare(g, 'gt', x, 0)`. */
export const compare = (
  g: GradientBuilder,
  how: 'gt' | 'ge' | 'lt' | 'le' | 'eq',
  x: Node,
  bound: number,
): Node => g.call(`aten.${how}.Scalar`, x, bound);

/** Sums over axes, which stay with extent 1 if `keep` is set. */
export const sumOver = (g: GradientBuilder, x: Node, axes: readonly number[], keep = false): Node =>
  g.call('aten.sum.dim_IntList', x, [...axes], keep);

export const reshape = (g: GradientBuilder, x: Node, shape: readonly number[]): Node =>
  g.call('aten.reshape.default', x, shape);

export const transposed = (g: GradientBuilder, x: Node): Node => g.call('aten.transpose.int', x, -2, -1);

/** The same in another dtype. */
export const castTo = (g: GradientBuilder, x: Node, dtype: DType): Node =>
  g.dtype(x) === dtype ? x : g.call('aten.to.dtype', x, dtype);

/** The product of matrices, in bfloat16 if one of them is: so a product's gradients are computed as the product was. */
export function product(g: GradientBuilder, a: Node, b: Node): Node {
  const isNarrow = [a, b].some((factor) => g.dtype(factor) === 'bfloat16');
  const [left, right] = isNarrow ? [a, b].map((factor) => castTo(g, factor, 'bfloat16')) : [a, b];
  return g.call('aten.matmul.default', left, right);
}

/** What several gradients need, built when the first of them is. */
export function once<T>(build: () => T): () => T {
  let built: { readonly value: T } | undefined;
  return () => {
    built ??= { value: build() };
    return built.value;
  };
}

/** The reverse of broadcasting: what was repeated is added up. */
export function sumTo(g: GradientBuilder, grad: Node, shape: readonly number[]): Node {
  const given = g.shape(grad);
  const lead = given.length - shape.length;
  const axes = given.flatMap((extent, axis) => {
    const wanted = axis < lead ? 1 : shape[axis - lead];
    return axis < lead || (wanted === 1 && extent !== 1) ? [axis] : [];
  });
  if (axes.length === 0) return grad;
  const summed = sumOver(g, grad, axes, true);
  return lead > 0 ? reshape(g, summed, shape) : summed;
}

/** The same for the shape of another tensor. */
export const sumLike = (g: GradientBuilder, grad: Node, like: Node): Node => sumTo(g, grad, g.shape(like));
