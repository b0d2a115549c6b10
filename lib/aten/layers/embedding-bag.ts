import type { Arguments, TensorMeta } from '../../graph/index.ts';
import type { NativeDefinition, OperatorDefinition, Step, TensorLike } from '../registry.ts';

/** PyTorch's numbers for the reduction of a bag's rows. */
const modes: readonly string[] = ['sum', 'mean', 'max'];

function modeOf<T>(args: Arguments<T>): string {
  const mode = args.number('mode');
  if (!modes[mode])
    throw new Error(`${args.schema.name}: mode must be 0 (sum), 1 (mean) or 2 (max), got ${mode}`);
  return modes[mode];
}

function inferBags(args: Arguments<TensorMeta>): TensorMeta {
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
  const bags = args.bool('include_last_offset') ? (count as number) - 1 : count;
  return { dtype: 'float32', shape: [bags, weight.shape[1]] };
}

function bagStep<T extends TensorLike>(
  args: Arguments<T>,
  parameters: readonly T[],
  paddingIndex = -1,
): Step<T> {
  const weights = args.optionalTensor('per_sample_weights');
  if (weights && modeOf(args) !== 'sum')
    throw new Error(`${args.schema.name}: per_sample_weights are for sums`);
  return {
    op: 'embedding_bag',
    inputs: [
      ...[args.tensor('weight'), args.tensor('indices'), args.tensor('offsets')],
      ...parameters,
      ...(weights ? [weights] : []),
    ],
    attributes: {
      mode: modeOf(args),
      paddingIndex,
      includeLastOffset: args.bool('include_last_offset'),
      hasScales: parameters.length > 0,
      hasWeights: weights !== null,
    },
  };
}

/** The three results for gradients are empty: nothing here computes gradients. */
const emptyResults: readonly TensorMeta[] = Array(3).fill({ dtype: 'int64', shape: [0] });

/** The row that belongs to no bag, or -1 for none. */
type PaddingIndex = (args: Arguments<{ readonly shape: readonly unknown[] }>) => number;

/** Counted from the end of the table where it is negative. */
const wrapped: PaddingIndex = (args) => {
  const index = args.optionalNumber('padding_idx');
  const [rows] = args.tensor('weight').shape;
  if (index === null) return -1;
  if (typeof rows !== 'number' || index < -rows || index >= rows)
    throw new Error(`${args.schema.name}: padding_idx ${index} is out of range for a table of ${rows} rows`);
  return index < 0 ? index + rows : index;
};

const plain: PaddingIndex = (args) => Math.max(args.number('padding_idx'), -1);

function ofFloats(schema: string, paddingIndex: PaddingIndex): NativeDefinition {
  return {
    schema,
    infer: (args) => {
      paddingIndex(args);
      return [inferBags(args), ...emptyResults];
    },
    step: (args) => bagStep(args, [], paddingIndex(args)),
  };
}

const results = '(Tensor, Tensor, Tensor, Tensor)';
const withoutPadding =
  'Tensor weight, Tensor indices, Tensor offsets, bool scale_grad_by_freq=False, int mode=0, bool sparse=False, Tensor? per_sample_weights=None, bool include_last_offset=False';

/** Sums, means and maxima of rows of a table (counterpart: `torch.nn.functional.embedding_bag`). */
export const embeddingBags: readonly OperatorDefinition[] = [
  ofFloats(
    `aten::embedding_bag.padding_idx(Tensor weight, Tensor indices, Tensor offsets, bool scale_grad_by_freq, int mode, bool sparse, Tensor? per_sample_weights, bool include_last_offset, int? padding_idx) -> ${results}`,
    wrapped,
  ),
  ofFloats(`aten::embedding_bag(${withoutPadding}) -> ${results}`, () => -1),
  ...['_embedding_bag', '_embedding_bag_forward_only'].map((name) =>
    ofFloats(`aten::${name}(${withoutPadding}, int padding_idx=-1) -> ${results}`, plain),
  ),
  {
    /** The same for a table of 8-bit integers. Each row has a scale and a zero point, which may be real. */
    schema:
      'octavo::embedding_bag(Tensor weight, Tensor scales, Tensor zero_points, Tensor indices, Tensor offsets, int mode, Tensor? per_sample_weights, bool include_last_offset) -> Tensor',
    infer: inferBags,
    step: (args) => bagStep(args, [args.tensor('scales'), args.tensor('zero_points')]),
  },
];
