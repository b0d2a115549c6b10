import type { GraphModule, Node } from '../../graph/index.ts';
import type { Tensor } from '../../tensor/index.ts';

/** Gives the graph a constant of its own, named `prefix0`, `prefix1`, … (counterpart: `create_getattr_from_value`). */
export function addConstant(module: GraphModule, prefix: string, value: Tensor): Node {
  let i = 0;
  while (module.attributes.has(`${prefix}${i}`)) i++;
  module.attributes.set(`${prefix}${i}`, value);
  return module.graph.getAttr(`${prefix}${i}`);
}
