import { isQuantizedDecomposed, operators } from '../aten/index.ts';
import {
  constantNodes,
  describeTensor,
  type GraphModule,
  inputsOf,
  isTensorMeta,
  type Node,
  outputsOf,
  propagateShapes,
  type TensorInfo,
} from '../graph/index.ts';
import { reportOf } from '../lowering/index.ts';
import type { NodeFacts, TensorFacts } from './facts.ts';
import { quantizationOf } from './quantizers.ts';

/**
 * What the lowered graph itself says of its nodes, in order. Constants and sizes are left out. Of an operator with several results the first
 * one's dtype and shape are told.
 */
export function networkOf(model: GraphModule): NodeFacts[] {
  const { graph } = model;
  const metas = propagateShapes(model, inputsOf(model), operators);
  const constants = constantNodes(graph);
  const computed = operatorsByNode(model);
  const nodes: NodeFacts[] = [];
  const shown = new Set<Node>();
  const inputsAmongShown = (node: Node) =>
    node.allInputNodes.filter((input) => shown.has(input)).map(({ name }) => name);
  for (const node of graph.nodes) {
    const [meta] = [metas.get(node)].flat();
    if (constants.has(node) || !isTensorMeta(meta)) continue;
    shown.add(node);
    const quantization = quantizationOf(node);
    nodes.push({
      ...tensorOf({ name: node.name, ...meta }),
      kind: node.op === 'placeholder' ? 'input' : 'operator',
      target: node.target,
      inputs: inputsAmongShown(node),
      operators: computed.get(node.name) ?? [],
      modulePath: '',
      ...(quantization ? { quantization } : {}),
    });
  }
  return [...nodes, ...outputNodes(model, outputsOf(model, metas), shown)];
}

/** One for each result. Names of nodes have no spaces, so that none is taken. */
function outputNodes(
  { graph }: GraphModule,
  outputs: readonly TensorInfo[],
  shown: ReadonlySet<Node>,
): NodeFacts[] {
  const results = [graph.outputNode.args[0]].flat() as Node[];
  return outputs.map((info, i) => ({
    ...tensorOf({ ...info, name: `output ${info.name}` }),
    kind: 'output',
    target: info.name,
    inputs: shown.has(results[i]) ? [results[i].name] : [],
    operators: [],
    modulePath: '',
  }));
}

export const tensorOf = (info: TensorInfo): TensorFacts => describeTensor(info.name, info);

/** The captured model's operators that each node computes, but for quantize and dequantize. */
function operatorsByNode(model: GraphModule): ReadonlyMap<string, NodeFacts['operators']> {
  const found = new Map<string, NodeFacts['operators']>();
  for (const { node: name, target, lowered } of reportOf(model).nodes)
    if (lowered !== null && !isQuantizedDecomposed(target))
      found.set(lowered, [...(found.get(lowered) ?? []), { name, target }]);
  return found;
}
