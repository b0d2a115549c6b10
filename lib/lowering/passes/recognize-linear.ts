import { CONVERT_ELEMENT_TYPE, castOperators, dequantizeOperators } from '../../aten/index.ts';
import { type Argument, dimsEqual, isArgumentList, isCall, Node, onlyUser } from '../../graph/index.ts';
import type { Pass, PassContext } from '../pass.ts';

/**
 * Linear layers that were exported as matrix products become linear layers again, including surrounding views that only
 * merge leading axes.
 *
 *     w → t | permute ───┐
 *     [x → view →] x' → mm | addmm(b, …) | bmm [→ view] → y   ⇒   linear(x, w, b) → y
 */
export const recognizeLinear: Pass = {
  name: 'recognize-linear',
  run(context) {
    let count = 0;
    for (const node of context.graph.nodes) {
      const layer = layerOf(context, node);
      if (!layer) continue;
      rewrite(context, node, layer);
      count++;
    }
    return count;
  },
};

interface Layer {
  readonly input: Node;
  readonly weight: Node;
  readonly bias: Node | null;
  /** Calls between the layer and its weight. */
  readonly transposition: readonly Node[];
}

function layerOf(context: PassContext, node: Node): Layer | undefined {
  if (!isCall(node, 'aten.mm.default', 'aten.addmm.default', 'aten.bmm.default')) return undefined;
  const adds = node.target === 'aten.addmm.default';
  const [input, product] = adds ? node.args.slice(1) : node.args;
  if (!(input instanceof Node)) return undefined;
  const expanded = node.target === 'aten.bmm.default' && isCall(product, 'aten.expand.default');
  const transposed = expanded ? product.args[0] : product;
  const weight = transposedMatrix(context, transposed);
  if (!weight || (node.target === 'aten.bmm.default' && !expanded) || !isParameter(weight)) return undefined;
  const transposition = [transposed as Node, ...(expanded ? [product as Node] : [])];
  if (!adds) return { input, weight, bias: null, transposition };
  const args = context.args(node);
  const bias = args.tensor('self');
  const { shape } = context.meta(bias);
  const isBias = shape.length === 1 && dimsEqual(shape[0], context.meta(weight).shape[0]);
  const plain = args.number('alpha') === 1 && args.number('beta') === 1;
  return isBias && plain ? { input, weight, bias, transposition } : undefined;
}

/** The matrix whose transpose a call returns; undefined for other calls. */
function transposedMatrix(context: PassContext, node: Argument | undefined): Node | undefined {
  if (!isCall(node, 'aten.t.default', 'aten.permute.default', 'aten.transpose.int')) return undefined;
  const [matrix, ...rest] = node.args as readonly [Node, ...Argument[]];
  if (context.meta(matrix).shape.length !== 2) return undefined;
  const [first, second] = (isArgumentList(rest[0]) ? rest[0] : rest).map(
    (axis) => ((axis as number) + 2) % 2,
  );
  if (node.target === 'aten.permute.default') return first === 1 ? matrix : undefined;
  return node.target === 'aten.t.default' || first !== second ? matrix : undefined;
}

const conversions: readonly string[] = [...dequantizeOperators, CONVERT_ELEMENT_TYPE, ...castOperators];

function isParameter(node: Node): boolean {
  if (node.op === 'get_attr') return true;
  return isCall(node, ...conversions) && isParameter(node.args[0] as Node);
}

function rewrite(context: PassContext, node: Node, { input, weight, bias, transposition }: Layer): void {
  const joined = context.meta(input).shape;
  const user = onlyUser(node);
  if (isView(input) && user && isView(user)) {
    const [whole] = input.args as readonly [Node, ...Argument[]];
    const [before, after] = [context.meta(whole).shape, context.meta(user).shape];
    const splitsBack =
      dimsEqual(before.at(-1)!, joined.at(-1)!) &&
      after.length === before.length &&
      after.slice(0, -1).every((extent, i) => dimsEqual(extent, before[i])) &&
      dimsEqual(after.at(-1)!, context.meta(node).shape.at(-1)!);
    if (splitsBack) {
      context.replace(user, 'aten.linear.default', [whole, weight, bias], [...transposition, input, node]);
      return;
    }
  }
  context.replace(node, 'aten.linear.default', [input, weight, bias], transposition);
}

const isView = (node: Node) =>
  isCall(node, 'aten.view.default', 'aten.reshape.default', 'aten._unsafe_view.default');
