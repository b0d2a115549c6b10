import { operators } from '../../../aten/index.ts';
import { type GraphModule, Node } from '../../../graph/index.ts';

/** Operators without names for it, whose second operand is a weight where it is stored. */
const products: ReadonlySet<string> = new Set(['aten.matmul.default', 'aten.mm.default']);

/**
 * Paths of the attributes that training changes. A file does not say which they are: those of float32 that layers read as their weight
 * or bias. Running statistics are not among them.
 */
export function parametersOf({ graph, attributes }: GraphModule): ReadonlySet<string> {
  const found = new Set<string>();
  for (const node of graph.nodes) {
    if (node.op !== 'call_function' || !operators.has(node.target)) continue;
    const { schema } = operators.get(node.target);
    node.args.forEach((arg, i) => {
      const { name } = schema.arguments[i];
      const isParameter = name === 'weight' || name === 'bias' || (i === 1 && products.has(node.target));
      if (isParameter && arg instanceof Node && arg.op === 'get_attr') found.add(arg.target);
    });
  }
  return new Set([...found].filter((path) => attributes.get(path)?.dtype === 'float32'));
}
