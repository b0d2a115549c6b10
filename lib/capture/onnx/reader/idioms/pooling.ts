import { GET_ITEM, isCall, type Node } from '../../../../graph/index.ts';
import type { Idiom } from './context.ts';

/**
 * Positions in each image, by way of those in the whole tensor:
 *
 *     max_pool2d_with_indices(x)[1] → add(starts of images) → remainder(size of an image) → y
 */
const positionsInImage: Idiom = (context, node) => {
  if (!isCall(node, 'aten.remainder.Tensor')) return false;
  const [sum, divisor] = node.args;
  const places = isCall(sum, 'aten.add.Tensor') ? sum.args[0] : undefined;
  if (!isCall(places, GET_ITEM) || places.args[1] !== 1) return false;
  const [pool] = places.args as readonly [Node];
  if (!/^aten\.max_pool\dd_with_indices\.default$/.test(pool.target)) return false;
  const extents = context.shape(pool.args[0] as Node).slice(2) as readonly number[];
  const size = extents.reduce((product, extent) => product * extent, 1);
  const starts = context.constant((sum as Node).args[1])?.toArray();
  const isSize = context.constant(divisor)?.toArray().join() === String(size);
  if (!isSize || !starts?.every((start) => start % size === 0)) return false;
  node.replaceAllUsesWith(places);
  return true;
};

/** Positions of maxima. */
export const poolingIdioms: readonly Idiom[] = [positionsInImage];
