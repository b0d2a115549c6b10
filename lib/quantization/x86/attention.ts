import { type GraphModule, isCall, Node, onlyUser, tensorMeta } from '../../graph/index.ts';
import { GraphEditor } from '../../transforms/editor.ts';
import { matmul, recipeOperator } from './operators.ts';

/**
 * Writes calls of attention as the operators that it is made of, whose tensors can then be quantized:
 *
 *     scaled_dot_product_attention(q, k, v, mask)   ⇒   softmax(q k^T * scale [+ mask]) v
 *
 * Those that are causal, have a mask of booleans or share heads stay.
 */
export function spellOutAttention(module: GraphModule, isMeant: (node: Node) => boolean): void {
  const editor = new GraphEditor(module);
  for (const node of module.graph.nodes)
    if (isCall(node, 'aten.scaled_dot_product_attention.default') && isMeant(node)) spellOut(editor, node);
}

function spellOut(editor: GraphEditor, node: Node): void {
  const { query, key, value, attn_mask: mask, scale: given, is_causal, enable_gqa } = editor.named(node);
  const width = tensorMeta(query as Node)?.shape.at(-1);
  const scale = given ?? (typeof width === 'number' ? 1 / Math.sqrt(width) : null);
  const hasNumbers = !(mask instanceof Node) || tensorMeta(mask)?.dtype === 'float32';
  if (is_causal || enable_gqa || scale === null || !hasNumbers) return;
  const place = { before: node, like: [node] };
  const columns = editor.call('aten.transpose.int', [key, -2, -1], place);
  const products = editor.call('aten.matmul.default', [query, columns], place);
  const scaled = editor.call('aten.mul.Scalar', [products, scale], place);
  const scores = mask instanceof Node ? editor.call('aten.add.Tensor', [scaled, mask], place) : scaled;
  const weights = editor.call('aten.softmax.int', [scores, -1], place);
  editor.replace(node, 'aten.matmul.default', [weights, value]);
}

/** Whether a node is the product of queries and keys, or that of their softmax and the values. */
export function isProductOfAttention(node: Node): boolean {
  return (
    recipeOperator(node) === matmul && (isCall(node.args[0], 'aten.softmax.int') || becomesWeights(node))
  );
}

/** Whether nothing but numbers and a mask are between a node and a softmax. */
function becomesWeights(node: Node): boolean {
  const user = onlyUser(node);
  if (!user || isCall(user, 'aten.softmax.int')) return user !== undefined;
  const isScaledOrMasked = isCall(
    user,
    ...['aten.mul.Tensor', 'aten.mul.Scalar', 'aten.div.Tensor', 'aten.div.Scalar', 'aten.add.Tensor'],
  );
  return isScaledOrMasked && becomesWeights(user);
}
