import type { OperatorDefinition } from '../registry.ts';

/**
 * What dropout multiplies a tensor with: 0 with probability `p`, otherwise `1 / (1 - p)`. The mask is a function of the seed and of
 * `number`, which tells the dropouts of a model apart. The numbers are not PyTorch's.
 */
export const dropoutMasks: readonly OperatorDefinition[] = [
  {
    schema: 'octavo::dropout_mask(Tensor seed, int number, SymInt[] size, float p) -> Tensor',
    infer: (args) => ({ dtype: 'float32', shape: args.dims('size') }),
    step: (args) => ({
      op: 'dropout_mask',
      inputs: [args.tensor('seed')],
      attributes: { number: args.number('number'), p: args.number('p') },
    }),
  },
];
