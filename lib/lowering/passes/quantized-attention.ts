import { type Dim, dimsEqual, isCall, Node, onlyUser } from '../../graph/index.ts';
import type { Pass, PassContext } from '../pass.ts';

const product = 'octavo.matmul.default';

/**
 * Attention of 8-bit integers whose weights are quantized becomes one operator: scores and weights stay in the cache.
 *
 *     query (int8) ─┐
 *     key^T (int8) ─┤ octavo.matmul [→ add(mask)] → octavo.softmax(…, uint8) ─┐
 *                                                             value (int8) ────┤ octavo.matmul → y
 *
 *         ⇒   octavo.qscaled_dot_product(query, key, value, mask, …) → y
 */
export const quantizedAttention: Pass = {
  name: 'quantized-attention',
  run(context) {
    let count = 0;
    for (const node of context.graph.nodes) if (isCall(node, product) && fuse(context, node)) count++;
    return count;
  },
};

function fuse(context: PassContext, second: Node): boolean {
  const { a: weights, ...attended } = context.named(second);
  const value = attended.b as Node;
  const scores = scoresOf(context, weights as Node, second);
  if (!scores) return false;
  const first = context.named(scores.product);
  const [query, columns] = [first.a as Node, first.b as Node];
  const { shape } = context.meta(query);
  const fits = [columns, value].every((other) => haveOneBatch(context.meta(other).shape, shape));
  if (shape.length < 2 || !fits) return false;
  const key = context.call('aten.transpose.int', [columns, -2, -1], { before: second });
  const softmax = context.named(weights as Node);
  const args = [
    ...[query, first.a_scale, first.a_zero_point, key, first.b_scale, first.b_zero_point],
    ...[value, attended.b_scale, attended.b_zero_point, scores.mask, 1],
    ...[softmax.output_scale, softmax.output_zero_point, softmax.output_dtype],
    ...[attended.output_scale, attended.output_zero_point, attended.output_dtype],
  ];
  context.replace(second, 'octavo.qscaled_dot_product.default', args, scores.between);
  return true;
}

interface Scores {
  readonly product: Node;
  readonly mask: Node | null;
  /** From the product to the weights. */
  readonly between: readonly Node[];
}

/** What `weights`, which only `user` reads, are the quantized softmax of; undefined if they are something else. */
function scoresOf(context: PassContext, weights: Node, user: Node): Scores | undefined {
  if (!isCall(weights, 'octavo.softmax.default') || onlyUser(weights) !== user) return undefined;
  const softmax = context.named(weights);
  const scores = softmax.input as Node;
  const { shape, dtype } = context.meta(scores);
  const isLast = softmax.dim === -1 || softmax.dim === shape.length - 1;
  const isByte = softmax.output_dtype === 'uint8' || softmax.output_dtype === 'int8';
  if (!isLast || !isByte || dtype !== 'float32' || onlyUser(scores) !== weights) return undefined;
  if (isCall(scores, product)) return { product: scores, mask: null, between: [scores, weights] };
  const sum = isCall(scores, 'aten.add.Tensor') ? context.named(scores) : undefined;
  if (sum?.alpha !== 1) return undefined;
  const [first, mask] = isCall(sum.self, product) ? [sum.self, sum.other] : [sum.other, sum.self];
  if (!isCall(first, product) || !(mask instanceof Node) || onlyUser(first) !== scores) return undefined;
  if (context.meta(mask).dtype !== 'float32' || !fitsScores(context, mask, first)) return undefined;
  return { product: first, mask, between: [first, scores, weights] };
}

/** Whether adding the mask does not make the scores larger. */
function fitsScores(context: PassContext, mask: Node, scores: Node): boolean {
  const added = context.meta(mask).shape;
  const { shape } = context.meta(scores);
  const missing = shape.length - added.length;
  return (
    missing >= 0 && added.every((extent, axis) => extent === 1 || dimsEqual(extent, shape[missing + axis]))
  );
}

const haveOneBatch = (a: readonly Dim[], b: readonly Dim[]): boolean =>
  a.length === b.length && a.slice(0, -2).every((extent, axis) => dimsEqual(extent, b[axis]));
