import { type Arguments, type Dim, operatorName, type TensorMeta } from '../../graph/index.ts';
import type { NativeDefinition, OperatorDefinition, Step, TensorLike } from '../registry.ts';
import { widthOfBytes } from './embedding.ts';

/** PyTorch's numbers for the reduction of a bag's rows. */
const modes: readonly string[] = ['sum', 'mean', 'max'];

function modeOf<T>(args: Arguments<T>): string {
  const mode = args.number('mode');
  if (!modes[mode])
    throw new Error(`${args.schema.name}: mode must be 0 (sum), 1 (mean) or 2 (max), got ${mode}`);
  return modes[mode];
}

function inferBags(args: Arguments<TensorMeta>, widthOf: (weight: TensorMeta) => Dim): TensorMeta {
  const { name } = args.schema;
  const [weight, indices, offsets] = ['weight', 'indices', 'offsets'].map((what) => args.tensor(what));
  modeOf(args);
  if (weight.shape.length !== 2 || indices.shape.length !== 1 || offsets.shape.length !== 1)
    throw new Error(
      `${name}: weight must be a matrix, indices and offsets vectors, got [${weight.shape.join(', ')}], [${indices.shape.join(', ')}] and [${offsets.shape.join(', ')}]`,
    );
  for (const [what, { dtype }] of Object.entries({ indices, offsets }))
    if (dtype !== 'int64' && dtype !== 'int32')
      throw new Error(`${name}: ${what} must be int64 or int32, got ${dtype}`);
  const [count] = offsets.shape;
  if (args.bool('include_last_offset') && typeof count !== 'number')
    throw new Error(`${name}: the number of offsets must be known where the last one only ends a bag`);
  if (args.bool('include_last_offset') && count === 0)
    throw new Error(`${name}: without offsets there is no last one that ends a bag`);
  const bags = args.bool('include_last_offset') ? (count as number) - 1 : count;
  return { dtype: 'float32', shape: [bags, widthOf(weight)] };
}

/** @param bits of the table's elements: 32 where they are floats. */
function bagStep<T extends TensorLike>(args: Arguments<T>, bits: 32 | 8 | 4): Step<T> {
  const weights = args.optionalTensor('per_sample_weights');
  if (weights && modeOf(args) !== 'sum')
    throw new Error(`${args.schema.name}: per_sample_weights are for sums`);
  return {
    op: 'embedding_bag',
    inputs: [
      ...[args.tensor('weight'), args.tensor('indices'), args.tensor('offsets')],
      ...(weights ? [weights] : []),
    ],
    attributes: {
      mode: modeOf(args),
      paddingIndex: paddingRowOf(args, rowsOf(args)),
      includeLastOffset: args.bool('include_last_offset'),
      bits,
      hasWeights: weights !== null,
    },
  };
}

/** The three results for gradients are empty: nothing here computes gradients. */
const emptyResults: readonly TensorMeta[] = Array(3).fill({ dtype: 'int64', shape: [0] });

const rowsOf = (args: Arguments<{ readonly shape: readonly unknown[] }>) => args.tensor('weight').shape[0];

/**
 * The row that belongs to none of a call's bags, or -1: of `embedding_bag` in each of its forms.
 * @param rows of the table.
 * @throws Error where the table has no such row.
 */
export function paddingRowOf<T>(args: Arguments<T>, rows: unknown): number {
  const { name } = args.schema;
  if (name === 'aten.embedding_bag.default') return -1;
  const index = args.optionalNumber('padding_idx');
  // Only this form counts from the end of the table where the index is negative.
  if (name !== 'aten.embedding_bag.padding_idx') return Math.max(index ?? -1, -1);
  if (index === null) return -1;
  if (typeof rows !== 'number' || index < -rows || index >= rows)
    throw new Error(`${name}: padding_idx ${index} is out of range for a table of ${rows} rows`);
  return index < 0 ? index + rows : index;
}

function ofFloats(schema: string): NativeDefinition {
  return {
    schema,
    infer: (args) => {
      paddingRowOf(args, rowsOf(args));
      return [inferBags(args, ({ shape }) => shape[1]), ...emptyResults];
    },
    step: (args) => bagStep(args, 32),
  };
}

const results = '(Tensor, Tensor, Tensor, Tensor)';
const withoutPadding =
  'Tensor weight, Tensor indices, Tensor offsets, bool scale_grad_by_freq=False, int mode=0, bool sparse=False, Tensor? per_sample_weights=None, bool include_last_offset=False';

const ofIntegers =
  'Tensor weight, Tensor indices, Tensor offsets, int mode, Tensor? per_sample_weights, bool include_last_offset';

/** Sums, means and maxima of rows of a table (counterpart: `torch.nn.functional.embedding_bag`). */
export const embeddingBags: readonly OperatorDefinition[] = [
  ofFloats(
    `aten::embedding_bag.padding_idx(Tensor weight, Tensor indices, Tensor offsets, bool scale_grad_by_freq, int mode, bool sparse, Tensor? per_sample_weights, bool include_last_offset, int? padding_idx) -> ${results}`,
  ),
  ofFloats(`aten::embedding_bag(${withoutPadding}) -> ${results}`),
  ...['_embedding_bag', '_embedding_bag_forward_only'].map((name) =>
    ofFloats(`aten::${name}(${withoutPadding}, int padding_idx=-1) -> ${results}`),
  ),
  {
    /** The same for a table of uint8 with parameters behind each row, as that of `octavo::embedding_byte`. */
    schema: `octavo::embedding_bag_byte(${ofIntegers}, int padding_idx=-1) -> Tensor`,
    infer: (args) => inferBags(args, widthOfBytes),
    step: (args) => bagStep(args, 8),
  },
  {
    /** The same for a table as that of `octavo::embedding_4bit`. */
    schema: `octavo::embedding_bag_4bit(${ofIntegers}, int padding_idx, int width) -> Tensor`,
    infer: (args) => inferBags(args, () => args.number('width')),
    step: (args) => bagStep(args, 4),
  },
];

/** All forms of `embedding_bag` over tables of floats. */
export const embeddingBagOperators: readonly string[] = embeddingBags
  .map(({ schema }) => operatorName(schema))
  .filter((name) => name.startsWith('aten.'));
