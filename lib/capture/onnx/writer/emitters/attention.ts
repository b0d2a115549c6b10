import type { Dim, TensorMeta } from '../../../../graph/index.ts';
import { Tensor } from '../../../../tensor/index.ts';
import type { OnnxCall, OnnxEmitter, OnnxValue } from '../emitter.ts';

/** `softmax(query key^T * scale + mask) value`, composed of operators that older ONNX versions have. */
function attention(call: OnnxCall): OnnxValue {
  const { args } = call;
  const [query, key, value] = [args.tensor('query'), args.tensor('key'), args.tensor('value')];
  const rank = query.shape.length;
  const scores = { ...query, shape: [...query.shape.slice(0, -1), key.shape[rank - 2]] };
  const columns = call.intermediate('key', 'Transpose', [key], { perm: lastTwoSwapped(rank) }, swapped(key));
  const product = call.intermediate('product', 'MatMul', [query, columns], {}, scores);
  const scale = call.scalar('scale', args.optionalNumber('scale') ?? 1 / Math.sqrt(widthOf(query)));
  const scaled = call.intermediate('scaled', 'Mul', [product, scale], {}, scores);
  const bias = biasOf(call, query, key);
  const masked = bias ? call.intermediate('masked', 'Add', [scaled, bias], {}, scores) : scaled;
  const weights = call.intermediate('weights', 'Softmax', [masked], { axis: -1 }, scores);
  if (args.isNone('attn_mask')) return call.result('MatMul', [weights, value]);
  return zeroWhereNothingIsSeen(call, call.intermediate('attended', 'MatMul', [weights, value]), bias!);
}

/** The term added to the scores: negative infinity hides a key from a query. */
function biasOf(call: OnnxCall, query: OnnxValue, key: OnnxValue): OnnxValue | null {
  const hidden = () => call.scalar('hidden', Number.NEGATIVE_INFINITY);
  if (call.args.bool('is_causal')) {
    const lengths = [query, key].map((x, i) =>
      call.intermediate(`length_${i}`, 'Shape', [x], { start: -2, end: -1 }, { dtype: 'int64', shape: [1] }),
    );
    const sizes = call.intermediate(
      'lengths',
      'Concat',
      lengths,
      { axis: 0 },
      { dtype: 'int64', shape: [2] },
    );
    const meta: TensorMeta = { dtype: 'float32', shape: [query, key].map(({ shape }) => shape.at(-2)!) };
    const all = call.intermediate('all_hidden', 'Expand', [hidden(), sizes], {}, meta);
    return call.intermediate(
      'later_hidden',
      'Trilu',
      [all, call.constant('diagonal', Tensor.scalar('int64', 1))],
      { upper: 1 },
      meta,
    );
  }
  const mask = call.args.optionalTensor('attn_mask');
  if (mask?.dtype !== 'bool') return mask;
  const meta: TensorMeta = { dtype: 'float32', shape: mask.shape };
  return call.intermediate('bias', 'Where', [mask, call.scalar('seen', 0), hidden()], {}, meta);
}

/** For a query that sees no key, ONNX's softmax returns NaN, but PyTorch's attention returns zeros. */
function zeroWhereNothingIsSeen(call: OnnxCall, attended: OnnxValue, bias: OnnxValue): OnnxValue {
  const shape = [...bias.shape.slice(0, -1), 1];
  const best = call.intermediate(
    'best',
    'ReduceMax',
    [bias, call.integers('axes', [-1])],
    {},
    { ...bias, shape },
  );
  const hidden = call.scalar('hidden', Number.NEGATIVE_INFINITY);
  const blind = call.intermediate('blind', 'Equal', [best, hidden], {}, { dtype: 'bool', shape });
  return call.result('Where', [blind, call.scalar('nothing', 0), attended]);
}

function widthOf({ shape }: OnnxValue): number {
  const width = shape.at(-1)!;
  if (typeof width === 'number') return width;
  throw new Error(`attention whose width is known only when a request arrives, [${shape}]: give it a scale`);
}

function lastTwoSwapped(rank: number): number[] {
  return [...Array(rank - 2).keys(), rank - 1, rank - 2];
}

function swapped(value: OnnxValue): TensorMeta {
  const shape: Dim[] = lastTwoSwapped(value.shape.length).map((axis) => value.shape[axis]);
  return { dtype: value.dtype, shape };
}

/** Attention of queries to keys. */
export const attentionEmitters: Readonly<Record<string, OnnxEmitter>> = {
  'aten.scaled_dot_product_attention.default': attention,
};
