import { chooseQparamsOperators, dequantizeOperators, quantizeOperators } from '../../aten/index.ts';
import { type GraphModule, isCall, Node } from '../../graph/index.ts';

/** Operators through which a weight may pass on its way to being quantized. */
const viewOperators = [
  'aten.flatten.using_ints',
  'aten.permute.default',
  'aten.squeeze.dim',
  'aten.transpose.int',
  'aten.view.default',
];

/**
 * Tells quantize and dequantize nodes which source line and tag they serve (counterpart: `PortNodeMetaForQDQ`): dequantize
 * nodes those of the node they feed, quantize nodes those of the node whose output they take, and of the weight.
 */
export function portMetadata({ graph }: GraphModule): void {
  for (const node of graph.nodes) {
    const annotation = node.meta.quantizationAnnotation;
    if (!annotation) continue;
    const quantizedInputs = [...annotation.inputQspecMap].filter(([, spec]) => spec !== null);
    const names = new Set(quantizedInputs.map(([input]) => input.name));
    for (const input of node.allInputNodes)
      if (isCall(input, ...dequantizeOperators)) portToInput(input, node, names);
    const [user] = node.users;
    if (annotation.outputQspec !== null && isCall(user, ...quantizeOperators)) port(node, user);
  }
}

function portToInput(dequantize: Node, node: Node, inputs: ReadonlySet<string>): void {
  const chain = quantizeChain(dequantize);
  const producer = chain.at(-1)!.args[0];
  if (!(producer instanceof Node) || !inputs.has(producer.name)) return;
  port(node, dequantize);
  const [quantize] = chain.slice(1);
  const scale = quantize?.args[1];
  if (scale instanceof Node && isCall(scale.args[0], ...chooseQparamsOperators)) {
    port(node, scale.args[0]);
    port(node, quantize);
  } else if (quantize) portFromWeight(quantize);
}

/** A dequantize node and the quantize nodes before it. */
function quantizeChain(dequantize: Node): Node[] {
  const chain = [dequantize];
  for (let [at] = dequantize.args; isCall(at, ...quantizeOperators, ...dequantizeOperators); [at] = at.args)
    chain.push(at);
  return chain;
}

function portFromWeight(quantize: Node): void {
  const nodes = [quantize];
  let [source] = quantize.args;
  while (isCall(source, ...viewOperators)) {
    nodes.push(source);
    [source] = source.args;
  }
  if (source instanceof Node && source.op === 'get_attr') for (const node of nodes) port(source, node);
}

function port(from: Node, to: Node): void {
  const { stackTrace, quantizationTag } = from.meta;
  if (stackTrace !== undefined) to.meta.stackTrace = stackTrace;
  if (quantizationTag !== undefined) to.meta.quantizationTag = quantizationTag;
}
