import type { Arguments, TensorMeta } from '../../graph/index.ts';
import type { OperatorDefinition } from '../registry.ts';

/** The extents of the looked up rows. */
function inferRows(args: Arguments<TensorMeta>): TensorMeta {
  const [weight, indices] = [args.tensor('weight'), args.tensor('indices')];
  const { name } = args.schema;
  if (weight.shape.length !== 2)
    throw new Error(`${name}: weight must be a matrix, got [${weight.shape.join(', ')}]`);
  if (indices.dtype !== 'int64' && indices.dtype !== 'int32')
    throw new Error(`${name}: indices must be int64 or int32, got ${indices.dtype}`);
  return { dtype: weight.dtype, shape: [...indices.shape, weight.shape[1]] };
}

/** Lookups in a table (counterpart: `torch.nn.functional.embedding`). */
export const embeddings: readonly OperatorDefinition[] = [
  {
    schema:
      'aten::embedding(Tensor weight, Tensor indices, SymInt padding_idx=-1, bool scale_grad_by_freq=False, bool sparse=False) -> Tensor',
    infer: inferRows,
    samples: ['indices'],
    step: (args) => ({
      op: 'embedding',
      inputs: [args.tensor('weight'), args.tensor('indices')],
      attributes: {},
    }),
  },
  {
    /** The same for a table of 8-bit integers. Each row has a scale and a zero point, which may be real. */
    schema: 'octavo::embedding(Tensor weight, Tensor scales, Tensor zero_points, Tensor indices) -> Tensor',
    infer: (args) => ({ ...inferRows(args), dtype: 'float32' }),
    samples: ['indices'],
    step: (args) => ({
      op: 'embedding',
      inputs: [
        args.tensor('weight'),
        args.tensor('indices'),
        args.tensor('scales'),
        args.tensor('zero_points'),
      ],
      attributes: {},
    }),
  },
];
