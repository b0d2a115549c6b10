import { Arguments } from './arguments.ts';
import type { GraphModule } from './graph-module.ts';
import { type Argument, isArgumentList, type MetaValue, Node, type TensorMeta } from './node.ts';
import type { OperatorLibrary } from './operator.ts';

/**
 * Dtype and shape of every node for the given inputs, without running anything (counterpart: FakeTensorProp). With
 * numeric input shapes every result is numeric; the graph itself is not changed.
 * @throws Error that names the node whose shape rule refused its inputs.
 */
export function propagateShapes(
  module: GraphModule,
  inputs: readonly TensorMeta[],
  library: OperatorLibrary,
): Map<Node, MetaValue> {
  const metas = new Map<Node, MetaValue>();
  const load = (arg: Argument): unknown =>
    arg instanceof Node ? metas.get(arg) : isArgumentList(arg) ? arg.map(load) : arg;
  let nextInput = 0;
  for (const node of module.graph.nodes) {
    if (node.op === 'output') break;
    if (node.op === 'placeholder') metas.set(node, inputs[nextInput++]);
    else if (node.op === 'get_attr') {
      const { dtype, shape } = module.attribute(node.target);
      metas.set(node, { dtype, shape });
    } else if (node.op === 'call_module') metas.set(node, metas.get(node.args[0] as Node)!);
    else {
      const operator = library.get(node.target);
      const kwargs = Object.fromEntries(Object.entries(node.kwargs).map(([key, arg]) => [key, load(arg)]));
      try {
        const bound = Arguments.bind<TensorMeta>(operator.schema, node.args.map(load), kwargs);
        metas.set(node, operator.infer(bound));
      } catch (error) {
        throw new Error(`node '${node.name}' (${node.target}): ${(error as Error).message}`, {
          cause: error,
        });
      }
    }
  }
  return metas;
}
