import { type Argument, isCall, type Node, onlyUser } from '../../graph/index.ts';
import type { Pass, PassContext } from '../pass.ts';
import { isDequantize, isQuantize, qparamsOf } from '../patterns/affine-parameters.ts';

/**
 * Softmax and layer normalization next to a dequantize or a quantize become the form that computes those, too, row by
 * row. A later pass fuses the quantize.
 *
 *     x [→ dequantize] → softmax | layer_norm → y   ⇒   octavo.softmax | octavo.layer_norm(x, …, float32) → y
 */
export const rowFunctions: Pass = {
  name: 'row-functions',
  run(context) {
    let count = 0;
    for (const node of context.graph.nodes) {
      if (!isCall(node, 'aten.softmax.int', 'aten.layer_norm.default')) continue;
      const input = node.args[0] as Node;
      if (context.meta(input).dtype !== 'float32' || context.meta(node).dtype !== 'float32') continue;
      const quantized = isDequantize(input);
      if (!quantized && !isQuantize(onlyUser(node))) continue;
      const { scale, zeroPoint } = quantized ? qparamsOf(input) : { scale: 1, zeroPoint: 0 };
      const [target, rest] = formOf(context, node);
      const args = [quantized ? input.args[0] : input, scale, zeroPoint, ...rest, 1, 0, 'float32'];
      context.replace(node, target, args, quantized ? [input] : []);
      count++;
    }
    return count;
  },
};

/** The operator that can read and return integers, and its arguments between those of input and output. */
function formOf(context: PassContext, node: Node): readonly [string, readonly Argument[]] {
  const args = context.args(node);
  if (node.target !== 'aten.layer_norm.default') return ['octavo.softmax.default', [args.number('dim')]];
  const shape = args.raw('normalized_shape') as Argument;
  const parameters = [args.optionalTensor('weight'), args.optionalTensor('bias'), args.number('eps')];
  return ['octavo.layer_norm.default', [shape, ...parameters]];
}
