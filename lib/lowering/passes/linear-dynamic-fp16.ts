import { CONVERT_ELEMENT_TYPE, castOperators } from '../../aten/index.ts';
import { type Argument, isCall, type Node, onlyUser } from '../../graph/index.ts';
import type { Pass } from '../pass.ts';

/**
 * Linear layers whose weight was rounded to float16 keep it in float16, in half the memory, and compute in float32.
 *
 *     w → to(float16) → to(float32) ─┐
 *                             x → linear [→ relu] → y   ⇒   onednn.linear[_relu]_dynamic_fp16(x, w (float16), b) → y
 */
export const linearDynamicFp16: Pass = {
  name: 'linear-dynamic-fp16',
  run(context) {
    let count = 0;
    for (const node of context.graph.nodes) {
      if (!isCall(node, 'aten.linear.default') || context.meta(node).dtype !== 'float32') continue;
      const [x, widened, bias = null] = node.args as readonly [Node, Node, Argument?];
      const half = isConversion(widened) ? (widened.args[0] as Node) : undefined;
      if (!half || context.meta(half).dtype !== 'float16') continue;
      if (!isConversion(half) || (half.args[0] as Node).op !== 'get_attr') continue;
      const user = onlyUser(node);
      const relu = isCall(user, 'aten.relu.default') ? user : undefined;
      const target = `onednn.linear${relu ? '_relu' : ''}_dynamic_fp16.default`;
      context.replace(relu ?? node, target, [x, half, bias], relu ? [widened, node] : [widened]);
      count++;
    }
    return count;
  },
};

const isConversion = (node: Node) => isCall(node, CONVERT_ELEMENT_TYPE, ...castOperators);
