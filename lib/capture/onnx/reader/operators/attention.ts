import { addDims, type Dim, dimsEqual, divDims, mulDims } from '../../../../graph/index.ts';
import { Tensor } from '../../../../tensor/index.ts';
import type { OnnxCall, OperatorTable } from '../call.ts';
import type { OnnxValue } from '../values.ts';
import { padWith } from './common.ts';
import { lookUp } from './indexing.ts';

/** Query, key and value as `[batch, heads, length, width]`. */
interface Heads {
  readonly query: OnnxValue;
  readonly key: OnnxValue;
  readonly value: OnnxValue;
}

/** `[batch, length, heads * width]` by its heads; of four dimensions, as it is. */
function splitHeads(call: OnnxCall, value: OnnxValue, attribute: string): OnnxValue {
  if (value.shape.length === 4) return value;
  if (value.shape.length !== 3)
    throw new Error(`query, key and value must have 3 or 4 dimensions, got [${value.shape.join(', ')}]`);
  const heads = call.attributes.int(attribute);
  const [batch, length, width] = value.shape;
  const apart = call.reshape(value, [batch, length, heads, divDims(width, heads)]);
  return call.call('aten.permute.default', apart, [0, 2, 1, 3]);
}

/** What came before, in front. */
const withPast = (call: OnnxCall, past: number, value: OnnxValue): OnnxValue =>
  call.optional(past) ? call.call('aten.cat.default', [call.input(past), value], 2) : value;

/** Each head of keys or values as many times as there are queries for it. */
function repeatHeads(call: OnnxCall, value: OnnxValue, heads: Dim): OnnxValue {
  const [batch, own, length, width] = value.shape;
  if (dimsEqual(own, heads)) return value;
  const times = divDims(heads, own);
  const apart = call.call('aten.unsqueeze.default', value, 2);
  const repeated = call.call('aten.expand.default', apart, [batch, own, times, length, width]);
  return call.reshape(repeated, [batch, heads, length, width]);
}

const hidden = Number.NEGATIVE_INFINITY;

/** A mask of what is seen as what is added to the scores. */
function asBias(call: OnnxCall, mask: OnnxValue): OnnxValue {
  if (mask.dtype !== 'bool') return call.cast(mask, 'float32');
  const [seen, unseen] = [0, hidden].map((number) => call.constant(Tensor.scalar('float32', number)));
  return call.call('aten.where.self', mask, seen, unseen);
}

/** Every query sees the keys up to its own position, which comes after those of the past. */
function causalBias(call: OnnxCall, { query, key }: Heads): OnnxValue {
  const [rows, columns] = [query.shape[2], key.shape[2]];
  const past = call.optional(4)?.shape[2] ?? 0;
  const count = (from: Dim, to: Dim) =>
    call.callWith('aten.arange.start_step', [from, to, 1], { dtype: 'int64' });
  const row = call.call('aten.unsqueeze.default', count(past, addDims(past, rows)), 1);
  return asBias(call, call.call('aten.le.Tensor', count(0, columns), row));
}

/** A mask for fewer keys than there are hides the others. */
function ofAllKeys(call: OnnxCall, bias: OnnxValue, { key }: Heads): OnnxValue {
  const [given, wanted] = [bias.shape.at(-1)!, key.shape[2]];
  if (typeof given !== 'number' || typeof wanted !== 'number' || given === 1 || given >= wanted) return bias;
  const along = (amount: number) =>
    bias.shape.map((_, axis) => (axis === bias.shape.length - 1 ? amount : 0));
  return padWith(call, bias, along(0), along(wanted - given), hidden);
}

/** What is added to the scores; undefined where nothing is. */
function biasOf(call: OnnxCall, heads: Heads): OnnxValue | undefined {
  const mask = call.optional(3);
  const isCausal = call.attributes.int('is_causal', 0) === 1;
  const given = mask && ofAllKeys(call, asBias(call, mask), heads);
  if (!isCausal) return given;
  const causal = causalBias(call, heads);
  return given ? call.call('aten.add.Tensor', given, causal) : causal;
}

/** Softmax of capped scores, which PyTorch's operator does not have. */
function cappedAttention(call: OnnxCall, heads: Heads, scale: number, softcap: number): OnnxValue {
  const columns = call.call('aten.permute.default', heads.key, [0, 1, 3, 2]);
  const product = call.call('aten.matmul.default', heads.query, columns);
  const scores = call.call('aten.mul.Tensor', product, scale);
  const bias = biasOf(call, heads);
  const masked = bias ? call.call('aten.add.Tensor', scores, bias) : scores;
  const narrowed = call.call('aten.tanh.default', call.call('aten.mul.Tensor', masked, 1 / softcap));
  const capped = call.call('aten.mul.Tensor', narrowed, softcap);
  return call.call('aten.matmul.default', call.call('aten.softmax.int', capped, -1), heads.value);
}

function attention(call: OnnxCall): readonly (OnnxValue | undefined)[] {
  const { attributes } = call;
  if (call.optional(6)) throw new Error("its input 'nonpad_kv_seqlen' is not supported");
  if (call.wanted[3]) throw new Error("its output 'qk_matmul_output' is not supported");
  const query = splitHeads(call, call.input(0), 'q_num_heads');
  const [presentKey, presentValue] = [1, 2].map((i) =>
    withPast(call, i + 3, splitHeads(call, call.input(i), 'kv_num_heads')),
  );
  const [key, value] = [presentKey, presentValue].map((each) => repeatHeads(call, each, query.shape[1]));
  const heads: Heads = { query, key, value };
  const width = call.static(query.shape[3], 'the width of a head');
  const scale = attributes.float('scale', 1 / Math.sqrt(width));
  const isUsual = Math.abs(scale * Math.sqrt(width) - 1) < 1e-4;
  const softcap = attributes.float('softcap', 0);
  const isPlainCausal = attributes.int('is_causal', 0) === 1 && !call.optional(3) && !call.optional(4);
  const attended =
    softcap > 0
      ? cappedAttention(call, heads, scale, softcap)
      : call.callWith(
          'aten.scaled_dot_product_attention.default',
          [query, key, value, isPlainCausal ? null : (biasOf(call, heads) ?? null), 0, isPlainCausal],
          isUsual ? {} : { scale },
        );
  return [joinHeads(call, attended), presentKey, presentValue];
}

/** Back to three dimensions, where the query had so many. */
function joinHeads(call: OnnxCall, value: OnnxValue): OnnxValue {
  if (call.input(0).shape.length === 4) return value;
  const [batch, heads, length, width] = value.shape;
  const together = call.call('aten.permute.default', value, [0, 2, 1, 3]);
  return call.reshape(together, [batch, length, mulDims(heads, width)]);
}

/** Halves of each position's elements, or their pairs, turned by an angle whose cosine and sine are in tables. */
function rotaryEmbedding(call: OnnxCall): OnnxValue {
  const { attributes } = call;
  const given = call.input(0);
  const isInterleaved = attributes.int('interleaved', 0) === 1;
  const x = splitHeads(call, given, 'num_heads');
  const [batch, heads, length, whole] = x.shape;
  const width = call.static(whole, 'the width of a head');
  const turned = attributes.int('rotary_embedding_dim', 0) || width;
  const tables = [1, 2].map((i) => angles(call, i, turned / 2));
  const slice = (value: OnnxValue, from: number, to: number, step = 1) =>
    call.call('aten.slice.Tensor', value, 3, from, to, step);
  const part = turned === width ? x : slice(x, 0, turned);
  const [first, second] = isInterleaved
    ? [slice(part, 0, turned, 2), slice(part, 1, turned, 2)]
    : [slice(part, 0, turned / 2), slice(part, turned / 2, turned)];
  const [cosine, sine] = tables;
  const times = (a: OnnxValue, b: OnnxValue) => call.call('aten.mul.Tensor', a, b);
  const real = call.call('aten.sub.Tensor', times(first, cosine), times(second, sine));
  const imaginary = call.call('aten.add.Tensor', times(first, sine), times(second, cosine));
  const together = isInterleaved
    ? call.reshape(
        call.call(
          'aten.cat.default',
          [real, imaginary].map((each) => call.call('aten.unsqueeze.default', each, 4)),
          4,
        ),
        [batch, heads, length, turned],
      )
    : call.call('aten.cat.default', [real, imaginary], 3);
  const result =
    turned === width ? together : call.call('aten.cat.default', [together, slice(x, turned, width)], 3);
  return joinHeads(call, result);
}

/** Rows of a table by positions, or a table for each sample, as `[batch, 1, length, width]`. */
function angles(call: OnnxCall, input: number, width: number): OnnxValue {
  const positions = call.optional(3);
  const table = call.input(input);
  const rows = positions ? lookUp(call, table, positions, 0) : table;
  const ofHead = call.call('aten.unsqueeze.default', rows, 1);
  return dimsEqual(ofHead.shape[3], width) ? ofHead : call.call('aten.slice.Tensor', ofHead, 3, 0, width, 1);
}

/** Attention as one operator, since operator set 23. */
export const attentionReaders: OperatorTable = {
  Attention: { 23: attention },
  RotaryEmbedding: { 23: rotaryEmbedding },
};
