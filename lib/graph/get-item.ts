import type { Node } from './node.ts';

/** Target of the nodes that pick one of an operator's several results: `operator.getitem(results, index)`. */
export const GET_ITEM = 'operator.getitem';

/**
 * The result that an `operator.getitem` node selects.
 * @throws Error that names the node when the result does not exist.
 */
export function pickItem<T>(node: Node, results: unknown): T {
  const index = node.args[1];
  if (!Array.isArray(results) || typeof index !== 'number' || !(index in results))
    throw new Error(`node '${node.name}' (${GET_ITEM}): ${node.args[0]} has no result ${index}`);
  return results[index] as T;
}
