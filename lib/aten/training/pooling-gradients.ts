import type { Arguments, TensorMeta } from '../../graph/index.ts';
import type { OperatorDefinition } from '../registry.ts';

function infer(args: Arguments<TensorMeta>): TensorMeta {
  const { dtype, shape } = args.tensor('grad');
  const size = args.dims('input_size');
  if (dtype !== 'float32')
    throw new Error(`${args.schema.name}: gradients are computed in float32, got ${dtype}`);
  if (size.length !== shape.length)
    throw new Error(
      `${args.schema.name}: the gradient [${shape.join(', ')}] is not that of pooling [${size.join(', ')}]`,
    );
  return { dtype, shape: size };
}

const window = (args: Arguments<unknown>) =>
  Object.fromEntries(['kernel', 'stride', 'padding', 'dilation'].map((name) => [name, args.numbers(name)]));

/**
 * The gradient of a pooling's input. Of equal maxima in a window the first one has it, as in PyTorch (counterparts:
 * `max_pool2d_with_indices_backward`, `avg_pool2d_backward`, `_adaptive_avg_pool2d_backward`).
 */
export const poolingGradients: readonly OperatorDefinition[] = [
  {
    schema:
      'octavo::max_pool_gradient(Tensor grad, Tensor input, Tensor result, SymInt[] input_size, int[] kernel, int[] stride, int[] padding, int[] dilation) -> Tensor',
    infer,
    samples: ['grad', 'input', 'result'],
    step: (args) => ({
      op: 'pool_gradient',
      inputs: [args.tensor('grad'), args.tensor('input'), args.tensor('result')],
      attributes: { algorithm: 'max', ...window(args) },
    }),
  },
  {
    schema:
      'octavo::avg_pool_gradient(Tensor grad, SymInt[] input_size, int[] kernel, int[] stride, int[] padding, bool count_include_pad, int? divisor_override) -> Tensor',
    infer,
    samples: ['grad'],
    step: (args) => {
      const divisor = args.optionalNumber('divisor_override');
      return {
        op: 'pool_gradient',
        inputs: [args.tensor('grad')],
        attributes: {
          algorithm: args.bool('count_include_pad') ? 'avg_include_padding' : 'avg_exclude_padding',
          kernel: args.numbers('kernel'),
          stride: args.numbers('stride'),
          padding: args.numbers('padding'),
          ...(divisor === null ? {} : { divisor }),
        },
      };
    },
  },
  {
    schema: 'octavo::adaptive_avg_pool_gradient(Tensor grad, SymInt[] input_size) -> Tensor',
    infer,
    samples: ['grad'],
    step: (args) => ({
      op: 'pool_gradient',
      inputs: [args.tensor('grad')],
      attributes: { algorithm: 'avg_adaptive' },
    }),
  },
];
