import type { OperatorDefinition } from './registry.ts';

/** Lookups in a table (counterpart: `torch.nn.functional.embedding`). */
export const embeddings: readonly OperatorDefinition[] = [
  {
    schema:
      'aten::embedding(Tensor weight, Tensor indices, SymInt padding_idx=-1, bool scale_grad_by_freq=False, bool sparse=False) -> Tensor',
    infer: (args) => {
      const [weight, indices] = [args.tensor('weight'), args.tensor('indices')];
      const { name } = args.schema;
      if (weight.shape.length !== 2)
        throw new Error(`${name}: weight must be a matrix, got [${weight.shape.join(', ')}]`);
      if (indices.dtype !== 'int64' && indices.dtype !== 'int32')
        throw new Error(`${name}: indices must be int64 or int32, got ${indices.dtype}`);
      return { dtype: weight.dtype, shape: [...indices.shape, weight.shape[1]] };
    },
    step: (args) => ({
      op: 'embedding',
      inputs: [args.tensor('weight'), args.tensor('indices')],
      attributes: {},
    }),
  },
];
