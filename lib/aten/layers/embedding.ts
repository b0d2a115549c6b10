import type { Arguments, Dim, TensorMeta } from '../../graph/index.ts';
import type { OperatorDefinition, Step, TensorLike } from '../registry.ts';

/** The extents of the looked up rows. */
function inferRows(args: Arguments<TensorMeta>, widthOf: (weight: TensorMeta) => Dim): TensorMeta {
  const [weight, indices] = [args.tensor('weight'), args.tensor('indices')];
  const { name } = args.schema;
  if (weight.shape.length !== 2)
    throw new Error(`${name}: weight must be a matrix, got [${weight.shape.join(', ')}]`);
  if (indices.dtype !== 'int64' && indices.dtype !== 'int32')
    throw new Error(`${name}: indices must be int64 or int32, got ${indices.dtype}`);
  return { dtype: weight.dtype, shape: [...indices.shape, widthOf(weight)] };
}

/** Bytes behind a row's integers: a float32 scale and a float32 zero point. */
const PARAMETERS = 8;

/** Lookups in a table (counterpart: `torch.nn.functional.embedding`). */
export const embeddings: readonly OperatorDefinition[] = [
  {
    schema:
      'aten::embedding(Tensor weight, Tensor indices, SymInt padding_idx=-1, bool scale_grad_by_freq=False, bool sparse=False) -> Tensor',
    infer: (args) => inferRows(args, ({ shape }) => shape[1]),
    samples: ['indices'],
    step: (args) => ({
      op: 'embedding',
      inputs: [args.tensor('weight'), args.tensor('indices')],
      attributes: {},
    }),
  },
  {
    /**
     * The same for a table of uint8, behind whose rows are a scale and a zero point, which may be real, each four bytes of
     * float32 (counterpart: `torch.ops.quantized.embedding_byte`).
     */
    schema: 'octavo::embedding_byte(Tensor weight, Tensor indices) -> Tensor',
    infer: (args) => ({ ...inferRows(args, widthOfBytes), dtype: 'float32' }),
    samples: ['indices'],
    step: (args) => quantizedStep(args, 8),
  },
  {
    /** The same for integers of 4 bits, two in a byte, the first in the low bits; `width` is the number of them in a row. */
    schema: 'octavo::embedding_4bit(Tensor weight, Tensor indices, int width) -> Tensor',
    infer: (args) => ({ ...inferRows(args, () => args.number('width')), dtype: 'float32' }),
    samples: ['indices'],
    step: (args) => quantizedStep(args, 4),
  },
];

/**
 * Elements in a row of a table of bytes with parameters.
 * @throws Error where a row has no room for these.
 */
export function widthOfBytes({ shape }: TensorMeta): number {
  const width = Number(shape[1]) - PARAMETERS;
  if (!(width >= 0))
    throw new Error(`a row of bytes ends with ${PARAMETERS} bytes of parameters, got [${shape.join(', ')}]`);
  return width;
}

function quantizedStep<T extends TensorLike>(args: Arguments<T>, bits: 8 | 4): Step<T> {
  return { op: 'embedding', inputs: [args.tensor('weight'), args.tensor('indices')], attributes: { bits } };
}
