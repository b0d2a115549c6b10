import { Node } from '../graph/index.ts';

/**
 * A place in the graph where a tensor can be quantized: a node's output, or the edge from the node to one of its users
 * (counterpart: `EdgeOrNode`).
 */
export type EdgeOrNode = Node | readonly [producer: Node, user: Node];

/** A place's identity: two edges between the same nodes are the same place. */
export function placeKey(place: EdgeOrNode): string {
  return place instanceof Node ? place.name : `(${place[0].name}, ${place[1].name})`;
}
