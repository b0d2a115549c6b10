import type { Arguments, TensorMeta } from '../../graph/index.ts';
import type { NativeDefinition, OperatorDefinition } from '../registry.ts';
import { checkIndices } from './index-walk.ts';

/** A triangle of the last two extents; the rest becomes 0. */
function triangle(name: string): NativeDefinition {
  return {
    schema: `aten::${name}(Tensor self, int diagonal=0) -> Tensor`,
    infer: (args) => {
      const { dtype, shape } = args.tensor('self');
      if (shape.length < 2)
        throw new Error(`${args.schema.name}: at least 2 extents are needed, got [${shape.join(', ')}]`);
      return { dtype, shape };
    },
    samples: (args) => (args.tensor('self').shape.length > 2 ? ['self'] : []),
    step: (args) => ({
      op: 'triangle',
      inputs: [args.tensor('self')],
      attributes: { diagonal: args.number('diagonal'), upper: name === 'triu' },
    }),
  };
}

function inferOneHot(args: Arguments<TensorMeta>): TensorMeta {
  const { name } = args.schema;
  const { dtype, shape } = args.tensor('self');
  checkIndices({ dtype }, 'the tensor', name);
  const classes = args.number('num_classes');
  if (classes < 1)
    throw new Error(`${name}: num_classes must be known at export and positive, got ${classes}`);
  return { dtype: 'int64', shape: [...shape, classes] };
}

/** Operators that keep or make zeros by position: triangles of matrices, one-hot rows. */
export const matrices: readonly OperatorDefinition[] = [
  triangle('tril'),
  triangle('triu'),
  {
    schema: 'aten::one_hot(Tensor self, int num_classes=-1) -> Tensor',
    infer: inferOneHot,
    samples: ['self'],
    step: (args) => ({ op: 'one_hot', inputs: [args.tensor('self')], attributes: {} }),
  },
];
