import { Tensor } from '../../../../tensor/index.ts';
import type { OnnxCall, OnnxEmitters } from '../call.ts';
import { upTo } from '../call.ts';
import type { OnnxValue } from '../value.ts';
import { number, times } from './functions.ts';
import { orZero } from './normalization.ts';

const hidden = (call: OnnxCall, dtype: OnnxValue['dtype']): OnnxValue =>
  call.scalar(Number.NEGATIVE_INFINITY, dtype);

/** `softmax(query key^T * scale + mask) value`: ONNX has an operator for it only since operator set 23. */
function attention(call: OnnxCall): OnnxValue {
  const { args } = call;
  const query = call.operand('query', call.real);
  const [key, value] = ['key', 'value'].map((name) => ofEachHead(call, call.operand(name, call.real), query));
  const { rank } = query;
  const shape = [...query.shape.slice(0, -1), key.shape[rank - 2]];
  const columns = call.transpose(key, [...upTo(rank - 2), rank - 1, rank - 2]);
  const product = call.op('MatMul', [query, columns], {}, { shape });
  const scores = times(call, product, args.optionalNumber('scale') ?? 1 / Math.sqrt(widthOf(query)));
  const bias = biasOf(call, query, key);
  const weights = call.op('Softmax', [bias ? call.op('Add', [scores, bias]) : scores], { axis: -1 });
  // A query may see no key at all.
  return call.op('MatMul', [args.isNone('attn_mask') ? weights : orZero(call, weights), value]);
}

/** Keys or values for each head of the query: those that several heads share stand there several times. */
function ofEachHead(call: OnnxCall, shared: OnnxValue, { rank, shape }: OnnxValue): OnnxValue {
  const axis = rank - 3;
  const [all, some] = [shape[axis], shared.shape[axis]];
  if (rank < 3 || typeof all !== 'number' || typeof some !== 'number' || all === some) return shared;
  const heads = upTo(all).map((head) => Math.floor(head / (all / some)));
  return call.op(
    'Gather',
    [shared, call.constant(Tensor.from('int64', heads))],
    { axis },
    {
      shape: shared.shape.with(axis, all),
    },
  );
}

/** The term added to the scores: negative infinity hides a key from a query. */
function biasOf(call: OnnxCall, query: OnnxValue, key: OnnxValue): OnnxValue | null {
  if (call.args.bool('is_causal')) return causalBias(call, query, key);
  const mask = call.args.optionalTensor('attn_mask');
  if (!mask) return null;
  if (mask.dtype !== 'bool') return call.cast(mask, query.dtype);
  return call.where(mask, number(call, 0, query), hidden(call, query.dtype));
}

/** Keys after a query's own position are hidden. */
function causalBias(call: OnnxCall, query: OnnxValue, key: OnnxValue): OnnxValue {
  const [rows, columns] = [query, key].map(({ shape }) => shape.at(-2)!);
  if (typeof rows === 'number' && typeof columns === 'number') {
    const values = upTo(rows).flatMap((i) =>
      upTo(columns).map((j) => (j > i ? Number.NEGATIVE_INFINITY : 0)),
    );
    return call.constant(Tensor.from(query.dtype as 'float32', values, [rows, columns]));
  }
  const count = (to: typeof rows) =>
    call.op('Range', [call.scalar(0, 'int64'), call.size(to), call.scalar(1, 'int64')], {}, { shape: [to] });
  const isSeen = call.ask('LessOrEqual', count(columns), call.unsqueeze(count(rows), [1]));
  return call.where(isSeen, number(call, 0, query), hidden(call, query.dtype));
}

function widthOf({ shape }: OnnxValue): number {
  const width = shape.at(-1)!;
  if (typeof width === 'number') return width;
  throw new Error(`attention whose width is known only when a request arrives, [${shape}]: give it a scale`);
}

/** Attention of queries to keys. */
export const attentionEmitters: OnnxEmitters = {
  'aten.scaled_dot_product_attention.default': attention,
};
