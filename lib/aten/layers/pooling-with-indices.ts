import type { Arguments, TensorMeta } from '../../graph/index.ts';
import type { Attributes } from '../../native/addon-types.ts';
import type { NativeDefinition, OperatorDefinition, TensorLike } from '../registry.ts';
import { pooledExtent, spatial, windowOf } from './pooling.ts';

/** The values and, in the same shape, their positions among the elements of a channel. */
const both = (args: Arguments<TensorMeta>, shape: TensorMeta['shape']): readonly TensorMeta[] => [
  { dtype: args.tensor('self').dtype, shape },
  { dtype: 'int64', shape },
];

function maxima(
  schema: string,
  infer: NativeDefinition['infer'],
  attributes: <T extends TensorLike>(args: Arguments<T>) => Attributes,
): NativeDefinition {
  return {
    schema,
    infer,
    samples: ['self'],
    step: (args) => ({
      op: 'maxima_with_indices',
      inputs: [args.tensor('self')],
      attributes: attributes(args),
    }),
  };
}

function ofWindows(axes: number): NativeDefinition {
  return maxima(
    `aten::max_pool${axes}d_with_indices(Tensor self, int[${axes}] kernel_size, int[${axes}] stride=[], int[${axes}] padding=0, int[${axes}] dilation=1, bool ceil_mode=False) -> (Tensor, Tensor)`,
    (args) => {
      const { lead, extents } = spatial(args, axes);
      const window = windowOf(args);
      const pooled = extents.map((extent, i) => pooledExtent(extent, window, i, args.schema.name));
      return both(args, [...lead, ...pooled]);
    },
    (args) => {
      const { kernel, stride, padding, dilation } = windowOf(args);
      return { kernel, stride, padding, dilation };
    },
  );
}

function ofEvenParts(axes: number): NativeDefinition {
  return maxima(
    `aten::adaptive_max_pool${axes}d(Tensor self, int[${axes}] output_size) -> (Tensor, Tensor)`,
    (args) => both(args, [...spatial(args, axes).lead, ...args.numbers('output_size')]),
    () => ({ adaptive: true }),
  );
}

/** Max pooling that also returns where each maximum is (counterpart: `torch.max_pool2d_with_indices` and its family). */
export const poolingWithIndices: readonly OperatorDefinition[] = [
  ...[1, 2, 3].map(ofWindows),
  ...[1, 2, 3].map(ofEvenParts),
];
