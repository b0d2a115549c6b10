import { type Arguments, dimsEqual, type Node } from '../../graph/index.ts';
import {
  type Add,
  type Call,
  type DecompositionDefinition,
  metaOf,
  rankOf,
  sizeOf,
} from './decomposition.ts';

const ATTENTION = 'aten.scaled_dot_product_attention.default';

/** The operator that PyTorch chooses kernels for, in terms of all arguments that its kernels have. */
function attention(args: Arguments<Node>, parts: readonly Node[], enableGqa: boolean): Call {
  return [
    ATTENTION,
    ...parts,
    args.optionalTensor('attn_mask'),
    ...[args.number('dropout_p'), args.bool('is_causal'), args.optionalNumber('scale'), enableGqa],
  ];
}

const partsOf = (args: Arguments<Node>): Node[] => ['query', 'key', 'value'].map((name) => args.tensor(name));

/** Each head of the keys and values serves as many heads of the query, one after the other. */
function repeatedHeads(add: Add, head: Node, heads: number): Node {
  const rank = rankOf(head, ATTENTION);
  const given = metaOf(head, ATTENTION).shape[rank - 3];
  if (typeof given !== 'number' || heads % given !== 0)
    throw new Error(
      `${ATTENTION}: ${heads} heads of the query are not a multiple of the key's or value's ${given}`,
    );
  if (given === heads) return head;
  const repeated = [...Array(rank - 2).fill(-1), heads / given, -1, -1];
  const apart = add('aten.unsqueeze.default', head, rank - 2);
  return add('aten.flatten.using_ints', add('aten.expand.default', apart, repeated), rank - 3, rank - 2);
}

function groupedQueries(add: Add, args: Arguments<Node>): Call {
  const [query, key, value] = partsOf(args);
  const heads = metaOf(query, ATTENTION).shape.at(-3);
  if (typeof heads !== 'number')
    throw new Error(
      `${ATTENTION}: 'enable_gqa' needs heads, [..., heads, length, width], as known at export`,
    );
  return attention(args, [query, repeatedHeads(add, key, heads), repeatedHeads(add, value, heads)], false);
}

/** Batches that differ are broadcast. */
function broadcastBatches(add: Add, args: Arguments<Node>): Call {
  const parts = partsOf(args);
  const shapes = parts.map((part) => metaOf(part, ATTENTION).shape);
  const rank = Math.max(...shapes.map(({ length }) => length));
  const batch = Array.from({ length: rank - 2 }, (_, axis) => {
    const at = shapes.findIndex((shape) => (shape[axis - rank + shape.length] ?? 1) !== 1);
    return at < 0 ? 1 : sizeOf(add, parts[at], axis - rank + shapes[at].length, ATTENTION);
  });
  const expanded = parts.map((part) => add('aten.expand.default', part, [...batch, -1, -1]));
  return attention(args, expanded, false);
}

function haveOtherBatches(args: Arguments<Node>): boolean {
  const [{ shape: query }, ...others] = partsOf(args).map((part) => metaOf(part, ATTENTION));
  return others.some(
    ({ shape }) =>
      shape.length !== query.length || !shape.slice(0, -2).every((dim, i) => dimsEqual(dim, query[i])),
  );
}

const schema =
  'aten::scaled_dot_product_attention(Tensor query, Tensor key, Tensor value, Tensor? attn_mask=None, float dropout_p=0., bool is_causal=False, *, float? scale=None, bool enable_gqa=False) -> Tensor';

/** Forms of attention that its native step does not compute itself, and the kernels that PyTorch's export may name. */
export const attentionDecompositions: readonly DecompositionDefinition[] = [
  { schema, applies: (args) => args.bool('enable_gqa'), decompose: groupedQueries },
  { schema, applies: haveOtherBatches, decompose: broadcastBatches },
  {
    schema:
      'aten::_scaled_dot_product_flash_attention_for_cpu(Tensor query, Tensor key, Tensor value, float dropout_p=0.0, bool is_causal=False, *, Tensor? attn_mask=None, float? scale=None) -> (Tensor, Tensor)',
    decompose: (_, args) => attention(args, partsOf(args), false),
  },
  {
    schema:
      'aten::_scaled_dot_product_attention_math(Tensor query, Tensor key, Tensor value, Tensor? attn_mask=None, float dropout_p=0.0, bool is_causal=False, Tensor? dropout_mask=None, *, float? scale=None, bool enable_gqa=False) -> (Tensor, Tensor)',
    decompose: (_, args) => attention(args, partsOf(args), args.bool('enable_gqa')),
  },
];
