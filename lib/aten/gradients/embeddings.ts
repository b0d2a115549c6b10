import type { Argument, Node } from '../../graph/index.ts';
import { paddingRowOf } from '../layers/embedding-bag.ts';
import { div, mul, reshape, sumOver, whereNot } from './arithmetic.ts';
import { addedAt, numelOf } from './indexing.ts';
import { all } from './moved.ts';
import type { GradientBuilder, GradientRule, GradientRules } from './rule.ts';

/** How often each row of a table is read, [rows]. */
function frequencies(g: GradientBuilder, rows: number, index: Node, dtype: Argument): Node {
  const ones = g.call('aten.to.dtype', g.call('aten.ones_like.default', index), dtype);
  const zeros = g.call('aten.to.dtype', g.call('aten.zeros.default', [rows]), dtype);
  return g.call('aten.index_add.default', zeros, 0, index, ones);
}

/** The gradient of a table whose rows `index` were read; a padding row has none. */
function tableGradient(
  g: GradientBuilder,
  table: Node,
  index: Node,
  grad: Node,
  { padding, byFrequency }: { readonly padding: number; readonly byFrequency: boolean },
): Node {
  let rows = grad;
  const asColumn = (node: Node) => reshape(g, node, [g.shape(node)[0], 1]);
  if (byFrequency) {
    const counts = frequencies(g, g.shape(table)[0], index, g.dtype(table));
    rows = div(g, rows, asColumn(g.call('aten.index_select.default', counts, 0, index)));
  }
  if (padding >= 0) rows = whereNot(g, asColumn(g.call('aten.eq.Scalar', index, padding)), rows);
  return addedAt(g, table, 0, index, rows);
}

const embedding: GradientRule = ({ args, grad }, g) => ({
  weight: () => {
    const [weight, indices] = [args.tensor('weight'), args.tensor('indices')];
    const [rows, width] = [numelOf(g, indices), g.shape(weight)[1]];
    return tableGradient(g, weight, reshape(g, indices, [rows]), reshape(g, grad, [rows, width]), {
      padding: args.number('padding_idx'),
      byFrequency: args.bool('scale_grad_by_freq'),
    });
  },
});

/** The bag of each index: as many offsets as come up to it, less one. */
function bagOfEach(g: GradientBuilder, offsets: Node, count: number): Node {
  const none = g.call('aten.to.dtype', g.call('aten.zeros.default', [count + 1]), 'int64');
  const ones = g.call('aten.to.dtype', g.call('aten.ones_like.default', offsets), 'int64');
  const begun = g.call('aten.cumsum.default', g.call('aten.index_add.default', none, 0, offsets, ones), 0);
  return g.call('aten.sub.Scalar', g.call('aten.slice.Tensor', begun, 0, 0, count), 1);
}

/** Of sums and means; of maxima there is none. */
const bags: GradientRule = ({ args, grads: [grad] }, g) => {
  const [weight, indices, offsets] = ['weight', 'indices', 'offsets'].map((name) => args.tensor(name));
  const [[count], [bagCount]] = [g.shape(indices), g.shape(grad!)];
  const padding = paddingRowOf(args, g.shape(weight)[0]);
  const asColumn = (node: Node) => reshape(g, node, [count, 1]);
  const rows = () => {
    if (args.number('mode') === 2) throw new Error('there is no gradient of the maxima of bags');
    const bag = bagOfEach(g, g.call('aten.slice.Tensor', offsets, 0, 0, bagCount), count);
    const ofBags = g.call('aten.index_select.default', grad!, 0, bag);
    if (args.number('mode') === 0) return ofBags;
    const isRead = g.call('aten.to.dtype', g.call('aten.ne.Scalar', indices, padding), g.dtype(weight));
    const zeros = g.call('aten.to.dtype', g.call('aten.zeros.default', [bagCount]), g.dtype(weight));
    const sizes = g.call('aten.index_add.default', zeros, 0, bag, isRead);
    const ofEach = g.call('aten.index_select.default', g.call('aten.clamp_min.default', sizes, 1), 0, bag);
    return div(g, ofBags, asColumn(ofEach));
  };
  const factors = args.optionalTensor('per_sample_weights');
  return {
    weight: () => {
      const weighted = factors ? mul(g, rows(), asColumn(factors)) : rows();
      const byFrequency = args.bool('scale_grad_by_freq');
      return tableGradient(g, weight, indices, weighted, { padding, byFrequency });
    },
    per_sample_weights: () => {
      const read = g.call('aten.index_select.default', weight, 0, indices);
      const products = sumOver(g, mul(g, rows(), read), [1]);
      return whereNot(g, g.call('aten.eq.Scalar', indices, padding), products);
    },
  };
};

/** Gradients of tables of which rows are read. */
export const embeddingGradients: GradientRules = {
  ...all(['embedding'], embedding),
  ...all(
    ['embedding_bag', 'embedding_bag.padding_idx', '_embedding_bag', '_embedding_bag_forward_only'],
    bags,
  ),
};
