import type { Node } from '../../graph/index.ts';
import { mul, reshape, sumOver } from './arithmetic.ts';
import { axisOf, moved } from './moved.ts';
import type { GradientBuilder, GradientRule, GradientRules } from './rule.ts';

export const flipped = (g: GradientBuilder, x: Node, axis: number): Node =>
  g.call('aten.flip.default', x, [axis]);

/** For each element of an axis the product of all before it. */
export function productBefore(g: GradientBuilder, x: Node, axis: number): Node {
  const untouched = Array<number>(2 * (g.shape(x).length - axis - 1)).fill(0);
  const shifted = g.call('aten.constant_pad_nd.default', x, [...untouched, 1, -1], 1);
  return g.call('aten.cumprod.default', shifted, axis);
}

/** An element is in all sums from its own on. */
const sums: GradientRule = moved((call, g) => {
  const axis = axisOf(call, g);
  return flipped(g, g.call('aten.cumsum.default', flipped(g, call.grad, axis), axis), axis);
});

/**
 * An element is in all products from its own on, there with all others before: also where some are 0. The matrix of these products
 * has as many elements as the axis squared.
 */
const products: GradientRule = moved((call, g) => {
  const { self, grad } = call;
  const axis = axisOf(call, g);
  const shape = g.shape(self);
  const extent = shape[axis];
  // Rows are elements, columns products.
  const matrix = shape.toSpliced(axis, 0, extent);
  const alone = (node: Node) => g.call('aten.unsqueeze.default', node, axis);
  const square = (node: Node) =>
    reshape(g, node, [extent, extent, ...Array<number>(shape.length - axis - 1).fill(1)]);
  const ones = g.call('aten.ones.default', [extent, extent]);
  const upper = g.call('aten.triu.default', ones);
  const diagonal = g.call('aten.eq.Scalar', square(g.call('aten.tril.default', upper)), 1);
  const spread = g.call('aten.expand.default', alone(self), matrix);
  const others = g.call(
    'aten.cumprod.default',
    g.call('aten.masked_fill.Scalar', spread, diagonal, 1),
    axis + 1,
  );
  const isBefore = g.call('aten.eq.Scalar', square(upper), 0);
  const slopes = g.call('aten.masked_fill.Scalar', others, isBefore, 0);
  return sumOver(g, mul(g, slopes, alone(grad)), [axis + 1]);
});

/** What was chosen along an axis gives back to where it was; the second result says where. */
const selected =
  (keeps: boolean): GradientRule =>
  (call, g) => {
    const { args, result, grads } = call;
    return {
      self: () => {
        const [self, grad] = [args.tensor('self'), grads[0]!];
        const shape = g.shape(self);
        const index = g.item(result, 1);
        if (shape.length === 0) return grad;
        const axis = axisOf(call, g);
        const wide = (node: Node) =>
          keeps || args.bool('keepdim') ? node : g.call('aten.unsqueeze.default', node, axis);
        const zeros = g.call('aten.zeros_like.default', self);
        return g.call('aten.scatter.src', zeros, axis, wide(index), wide(grad));
      },
    };
  };

/** Gradients of running sums and products, and of choices along an axis. */
export const runningGradients: GradientRules = {
  'aten.cumsum.default': sums,
  'aten.cumprod.default': products,
  'aten.max.dim': selected(false),
  'aten.min.dim': selected(false),
  'aten.sort.default': selected(true),
  'aten.sort.stable': selected(true),
  'aten.topk.default': selected(true),
};
