import {
  type Argument,
  dimsEqual,
  isArgumentList,
  isCall,
  Node,
  onlyUser,
  tensorMeta,
} from '../../../../graph/index.ts';
import { bothWays, type Idiom, type IdiomContext, isAbout, isShape, scaledBy } from './context.ts';

/**
 * Attention that is spelled out, with its scale before or after the first product:
 *
 *     softmax(q k^T * scale [+ mask]) v   ⇒   scaled_dot_product_attention(q, k, v, mask, scale)
 */
const attention: Idiom = (context, node) => {
  if (!isCall(node, 'aten.matmul.default')) return false;
  const weights = weightsOf(node.args[0]);
  const value = node.args[1];
  if (!weights || !(value instanceof Node)) return false;
  const found = scoresOf(context, weights.scores);
  if (!found) return false;
  const { query, columns, mask } = found;
  const rank = context.shape(query).length;
  const batch = context.shape(query).slice(0, -2);
  const fits = [columns, value].every((each) => isShape(context.shape(each).slice(0, -2), batch));
  const width = context.shape(query).at(-1);
  if (!fits || rank < 3 || typeof width !== 'number' || tensorMeta(query)?.dtype !== 'float32') return false;
  if (mask && !fitsScores(context, mask, weights.scores)) return false;
  const key = transposed(context, node, columns);
  const usual = isAbout(found.scale, 1 / Math.sqrt(width));
  context.replace(
    node,
    'aten.scaled_dot_product_attention.default',
    [query, key, value, mask ?? null],
    usual ? {} : { scale: found.scale },
  );
  return true;
};

interface Scores {
  readonly query: Node;
  /** The key, transposed. */
  readonly columns: Node;
  readonly scale: number;
  readonly mask?: Node;
}

/** Softmax over the last axis; with zeros where it is NaN, as of a query that sees nothing. */
function weightsOf(node: Argument | undefined): { readonly scores: Node } | undefined {
  const probabilities = isCall(node, 'aten.where.self') ? nonNan(node) : node;
  if (!isCall(probabilities, 'aten.softmax.int')) return undefined;
  const [scores, axis] = probabilities.args as readonly [Node, number];
  const rank = tensorMeta(scores)?.shape.length ?? 0;
  const isLast = axis === -1 || axis === rank - 1;
  return isLast &&
    probabilities.users.every(
      (user) => user === node || user.target === 'aten.isnan.default' || onlyUser(probabilities) === user,
    )
    ? { scores }
    : undefined;
}

/** `p` in `where(isnan(p), 0, p)`. */
function nonNan(node: Node): Argument | undefined {
  const [condition, , value] = node.args;
  return isCall(condition, 'aten.isnan.default') && condition.args[0] === value ? value : undefined;
}

function scoresOf(context: IdiomContext, node: Node): Scores | undefined {
  if (isCall(node, 'aten.add.Tensor')) {
    for (const [scores, mask] of bothWays(node)) {
      const found = scores instanceof Node && mask instanceof Node ? productOf(scores) : undefined;
      if (found && context.shape(scores as Node).length === context.shape(node).length)
        return { ...found, mask: mask as Node };
    }
    return undefined;
  }
  return productOf(node);
}

/** `q k^T` times numbers, which may stand at each factor. */
function productOf(node: Node): Scores | undefined {
  const outer = scaledBy(node);
  const product = outer ? outer[0] : node;
  if (!isCall(product, 'aten.matmul.default') || onlyUser(product) === undefined) return undefined;
  const [left, right] = product.args as readonly [Node, Node];
  const [q, k] = [scaledBy(left), scaledBy(right)];
  const scale = (outer?.[1] ?? 1) * (q?.[1] ?? 1) * (k?.[1] ?? 1);
  return { query: q?.[0] ?? left, columns: k?.[0] ?? right, scale };
}

/** A mask that broadcasts to the scores, of the dtypes that attention adds. */
function fitsScores(context: IdiomContext, mask: Node, scores: Node): boolean {
  if (tensorMeta(mask)?.dtype !== 'float32') return false;
  const [shape, wanted] = [context.shape(mask), context.shape(scores)];
  const missing = wanted.length - shape.length;
  return missing >= 0 && shape.every((dim, i) => dim === 1 || dimsEqual(dim, wanted[i + missing]));
}

/** The last two axes swapped: of a permutation, another permutation of what it permutes. */
function transposed(context: IdiomContext, before: Node, node: Node): Node {
  const rank = context.shape(node).length;
  const swapped = [...Array(rank - 2).keys(), rank - 1, rank - 2];
  if (!isCall(node, 'aten.permute.default') || !isArgumentList(node.args[1]))
    return context.add(before, 'aten.permute.default', [node, swapped]);
  const order = node.args[1] as readonly number[];
  const composed = swapped.map((axis) => order[axis]);
  const [source] = node.args as readonly [Node];
  if (composed.every((axis, i) => axis === i)) return source;
  return context.add(before, 'aten.permute.default', [source, composed]);
}

/** Attention that exporters spell out. */
export const attentionIdioms: readonly Idiom[] = [attention];
