import { operators } from '../../aten/index.ts';
import { bindCall, Node, onlyUser } from '../../graph/index.ts';
import { Tensor } from '../../tensor/index.ts';
import type { Pass, PassContext } from '../pass.ts';
import { isDequantize, isQuantize } from '../patterns/affine-parameters.ts';
import { isPointwise } from '../patterns/pointwise.ts';

/**
 * A function of one 8-bit integer has 256 values. A pointwise chain between dequantize and quantize becomes a table,
 * which the chain's own operators compute. An empty chain is a requantization to other parameters.
 *
 *     x (int8) → dequantize → sigmoid → mul(2) → … → quantize → y   ⇒   octavo.lookup(x, table) → y
 */
export const lookupTable: Pass = {
  name: 'lookup-table',
  run(context) {
    let count = 0;
    for (const quantize of context.graph.nodes) {
      if (!isQuantize(quantize)) continue;
      const chain = chainBefore(context, quantize);
      const integer = chain?.[0].args[0];
      if (!chain || !(integer instanceof Node)) continue;
      const all = [...chain, quantize];
      const table = context.constant(`${quantize.name}_table`, tabulate(context, all), { before: quantize });
      context.replace(quantize, 'octavo.lookup.default', [integer, table], chain);
      count++;
    }
    return count;
  },
};

/** The dequantize and the pointwise calls that `quantize` depends on, in order, if nothing else uses the calls. */
function chainBefore(context: PassContext, quantize: Node): [Node, ...Node[]] | undefined {
  const calls: Node[] = [];
  let [node] = quantize.args;
  while (!isDequantize(node)) {
    if (!(node instanceof Node) || !isPointwise(context, node) || !onlyUser(node)) return undefined;
    calls.unshift(node);
    [node] = node.args;
  }
  return [node, ...calls];
}

function tabulate({ module }: PassContext, chain: readonly Node[]): Tensor {
  const bytes = Uint8Array.from({ length: 256 }, (_, i) => i);
  const signed = chain[0].args[5] === 'int8';
  let value = new Tensor(signed ? 'int8' : 'uint8', signed ? new Int8Array(bytes.buffer) : bytes, [256]);
  for (const node of chain) {
    const operator = operators.get(node.target);
    const tensorOf = (input: Node) => (input === node.args[0] ? value : module.attribute(input.target));
    value = operator.execute(bindCall<Tensor>(operator.schema, node.args, node.kwargs, tensorOf)) as Tensor;
  }
  return value.view([256]);
}
