import { isArgumentList, isCall, Node } from '../../../../graph/index.ts';
import type { Idiom } from './context.ts';

/**
 * An axis of one element that is added and taken away again, as around the directions of recurrent layers:
 *
 *     x → unsqueeze(a) → select(a, 0) → y        x → unsqueeze(a) → squeeze(a) → y
 */
const addedAxis: Idiom = (context, node) => {
  const isTaken = isCall(node, 'aten.squeeze.dims', 'aten.select.int');
  const [inner, taken] = node.args;
  if (!isTaken || !isCall(inner, 'aten.unsqueeze.default')) return false;
  const [x, added] = inner.args;
  const axis = isArgumentList(taken) && taken.length === 1 ? taken[0] : taken;
  const rank = context.shape(inner).length;
  const position = (at: unknown) => ((at as number) + rank) % rank;
  const isFirst = node.target === 'aten.squeeze.dims' || node.args[2] === 0;
  if (!(x instanceof Node) || typeof axis !== 'number' || !isFirst || position(axis) !== position(added))
    return false;
  node.replaceAllUsesWith(x);
  return true;
};

/** A permutation that leaves all axes where they are. */
const sameOrder: Idiom = (_, node) => {
  const [x, order] = node.args;
  const isSame =
    isCall(node, 'aten.permute.default') && isArgumentList(order) && order.every((axis, i) => axis === i);
  if (!isSame || !(x instanceof Node)) return false;
  node.replaceAllUsesWith(x);
  return true;
};

/** Axes that cancel out. */
export const axisIdioms: readonly Idiom[] = [addedAxis, sameOrder];
