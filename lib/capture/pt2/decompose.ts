import {
  type Argument,
  GET_ITEM,
  type Graph,
  type GraphModule,
  modelLine,
  type Node,
} from '../../graph/index.ts';
import { decompositions } from './decompositions.ts';

/**
 * Replaces operators that have a decomposition with calls of other operators (counterpart:
 * `ExportedProgram.run_decompositions`). The last of these calls keeps the node, with its name and users.
 * @throws Error that names the node and the line of the model if an operator's arguments are rejected.
 */
export function decompose({ graph }: GraphModule): void {
  for (const node of graph.nodes) {
    const decomposition = decompositions.get(node.target);
    if (node.op !== 'call_function' || !decomposition) continue;
    const { val: _, ...facts } = node.meta;
    const add = (target: string, ...args: readonly Argument[]) => {
      const call = graph.insertingBefore(node, () => graph.callFunction(target, args));
      call.meta = { ...facts };
      return call;
    };
    try {
      const [target, ...args] = decomposition.decompose(add, node.args, node.kwargs);
      if (decomposition.schema.returns > 1) takeFirstResult(graph, node);
      node.target = target;
      node.setArguments(args, {});
    } catch (error) {
      throw new Error(`node '${node.name}': ${(error as Error).message}${modelLine(node)}`, { cause: error });
    }
  }
}

/** Makes users of the first of several results use the node itself. The other results must have no users. */
function takeFirstResult(graph: Graph, node: Node): void {
  for (const user of node.users) {
    if (user.target !== GET_ITEM || (user.args[1] !== 0 && user.users.length > 0))
      throw new Error(`${node.target}: only its first result is supported`);
    user.replaceAllUsesWith(node);
    graph.eraseNode(user);
  }
  if (Array.isArray(node.meta.val)) node.meta.val = node.meta.val[0];
}
