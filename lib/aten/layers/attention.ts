import { type Arguments, type Dim, dimsEqual, type TensorMeta } from '../../graph/index.ts';
import type { OperatorDefinition } from '../registry.ts';
import { computedDtype } from '../shape-rules.ts';

/** Whether the extents before the last two fit; with grouped heads the last of them may be a divisor of the query's. */
function sharesBatch(query: readonly Dim[], other: readonly Dim[], grouped: boolean): boolean {
  if (other.length !== query.length) return false;
  const heads = query.length - 3;
  return query.slice(0, -2).every((extent, i) => {
    if (dimsEqual(extent, other[i])) return true;
    const [all, shared] = [extent, other[i]];
    return (
      grouped && i === heads && typeof all === 'number' && typeof shared === 'number' && all % shared === 0
    );
  });
}

function inferAttention(args: Arguments<TensorMeta>): TensorMeta {
  const { name } = args.schema;
  if (args.number('dropout_p') !== 0)
    throw new Error(`${name}: the model was exported in training mode; call eval() before export`);
  if (args.bool('is_causal') && !args.isNone('attn_mask'))
    throw new Error(`${name}: 'is_causal' and 'attn_mask' exclude each other`);
  return {
    dtype: computedDtype(args.tensor('query').dtype, name),
    shape: attentionShape(args, args.bool('enable_gqa')),
  };
}

/**
 * The result's shape, from those of `query`, `key` and `value`.
 * @param grouped whether heads of the query may share one of key and value.
 * @throws Error when they do not fit.
 */
export function attentionShape(args: Arguments<TensorMeta>, grouped: boolean): readonly Dim[] {
  const { name } = args.schema;
  const [query, key, value] = [args.tensor('query'), args.tensor('key'), args.tensor('value')];
  const rank = query.shape.length;
  for (const other of [key, value])
    if (!sharesBatch(query.shape, other.shape, grouped))
      throw new Error(
        `${name}: [${other.shape.join(', ')}] must have the batch extents of the query [${query.shape.join(', ')}]${
          grouped ? ', or heads that divide its heads' : ''
        }`,
      );
  if (rank > 2 && !dimsEqual(key.shape[rank - 3], value.shape[rank - 3]))
    throw new Error(`${name}: key and value must have the same number of heads`);
  const fits =
    dimsEqual(query.shape[rank - 1], key.shape[rank - 1]) &&
    dimsEqual(key.shape[rank - 2], value.shape[rank - 2]);
  if (!fits)
    throw new Error(
      `${name}: query [${query.shape.join(', ')}], key [${key.shape.join(', ')}] and value [${value.shape.join(', ')}] do not fit`,
    );
  return [...query.shape.slice(0, -1), value.shape[rank - 1]];
}

/** Of two extents the first is the sequence. A mask of lower rank than the query has none for the samples. */
export function attentionSamples<T extends { readonly shape: readonly unknown[] }>(
  args: Arguments<T>,
): readonly string[] {
  const rank = args.tensor('query').shape.length;
  if (rank < 3) return [];
  const mask = args.optionalTensor('attn_mask')?.shape.length === rank ? ['attn_mask'] : [];
  return ['query', 'key', 'value', ...mask];
}

/** Attention (counterpart: `torch.nn.functional.scaled_dot_product_attention`). */
export const attention: readonly OperatorDefinition[] = [
  {
    schema:
      'aten::scaled_dot_product_attention(Tensor query, Tensor key, Tensor value, Tensor? attn_mask=None, float dropout_p=0., bool is_causal=False, *, float? scale=None, bool enable_gqa=False) -> Tensor',
    infer: inferAttention,
    samples: attentionSamples,
    step: (args) => {
      const mask = args.optionalTensor('attn_mask');
      const scale = args.optionalNumber('scale');
      return {
        op: 'attention',
        inputs: [args.tensor('query'), args.tensor('key'), args.tensor('value'), ...(mask ? [mask] : [])],
        attributes: { causal: args.bool('is_causal'), ...(scale === null ? {} : { scale }) },
      };
    },
  },
];
