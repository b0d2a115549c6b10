import { mulDims } from '../../graph/index.ts';
import type { OperatorDefinition } from '../registry.ts';

/** Where a tensor is not zero: a row of indices for each such element. */
export const nonzeros: readonly OperatorDefinition[] = [
  {
    schema: 'aten::nonzero(Tensor self) -> Tensor',
    counted: true,
    infer: (args) => {
      const { shape } = args.tensor('self');
      return { dtype: 'int64', shape: [mulDims(...shape), shape.length] };
    },
    step: (args) => ({ op: 'nonzero', inputs: [args.tensor('self')], attributes: {} }),
  },
];
