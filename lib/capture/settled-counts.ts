import { operators } from '../aten/index.ts';
import {
  bindCall,
  constantNodes,
  GET_ITEM,
  type GraphModule,
  inferNode,
  type Node,
  pickItem,
  type RuntimeValue,
} from '../graph/index.ts';
import type { Tensor } from '../tensor/index.ts';

/**
 * Settles how many results there are where no request has to decide it. What is found in constants, such as the places of a
 * constant mask, becomes a constant. What is found twice (`x[mask]` and `y[mask]`) is found once.
 */
export function settleCounts(module: GraphModule): void {
  const { graph } = module;
  const counted = graph.nodes.filter(
    ({ op, target }) => op === 'call_function' && operators.decidesExtent(target),
  );
  if (counted.length === 0) return;
  const constants = constantNodes(graph);
  const first = new Map<string, Node>();
  const values = new Map<Node, RuntimeValue>();
  for (const node of counted) {
    const key = `${node.target}(${[...node.args, ...Object.values(node.kwargs)].join('; ')})`;
    const known = first.get(key);
    const replacement = known ?? (constants.has(node) ? constantOf(module, node, values) : undefined);
    first.set(key, replacement ?? node);
    if (!replacement) continue;
    node.replaceAllUsesWith(replacement);
    graph.eraseNode(node);
  }
  inferAgain(module);
}

/** Computes a node of constants, and keeps in `known` what it is computed from. */
function constantOf(module: GraphModule, node: Node, known: Map<Node, RuntimeValue>): Node {
  const { graph } = module;
  const tensor = computed(module, node, known) as Tensor;
  const path = module.unusedAttribute(node.name);
  module.attributes.set(path, tensor);
  const constant = graph.insertingBefore(node, () => graph.getAttr(path));
  constant.meta = { ...node.meta, val: { dtype: tensor.dtype, shape: tensor.shape } };
  return constant;
}

function computed(module: GraphModule, node: Node, known: Map<Node, RuntimeValue>): RuntimeValue {
  const value = known.get(node) ?? compute(module, node, (input) => computed(module, input, known));
  known.set(node, value);
  return value;
}

function compute(module: GraphModule, node: Node, resultOf: (input: Node) => RuntimeValue): RuntimeValue {
  if (node.op === 'get_attr') return module.attribute(node.target);
  if (node.target === GET_ITEM) return pickItem<Tensor>(node, resultOf(node.args[0] as Node));
  const operator = operators.get(node.target);
  return operator.execute(bindCall<Tensor>(operator.schema, node.args, node.kwargs, resultOf));
}

/** Sizes that have become numbers are numbers in all that follows. */
function inferAgain(module: GraphModule): void {
  for (const node of module.graph.nodes)
    if (node.op === 'call_function' && node.allInputNodes.every(({ meta }) => meta.val !== undefined))
      node.meta.val = inferNode(operators, node, (input) => input.meta.val!, module.rangeConstraints);
}
