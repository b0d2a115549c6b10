import { operators } from '../../lib/aten/index.ts';
import { type GraphModule, inputsOf, propagateShapes } from '../../lib/graph/index.ts';

/** A graph written by hand, with the dtype and shape of every node, as captured graphs have them. */
export function withShapes(module: GraphModule): GraphModule {
  for (const [node, val] of propagateShapes(module, inputsOf(module), operators))
    node.meta = { ...node.meta, val };
  return module;
}
