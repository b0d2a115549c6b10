import type { Arguments } from '../../graph/index.ts';
import { convolutionShape, geometryOf } from '../layers/convolution.ts';
import { linearShape } from '../layers/linear.ts';
import type { OperatorDefinition, TensorLike } from '../registry.ts';

function inputs<T extends TensorLike>(args: Arguments<T>): T[] {
  const bias = args.optionalTensor('bias');
  return [args.tensor('input'), args.tensor('weight'), ...(bias ? [bias] : [])];
}

/**
 * Layers in integer arithmetic, for graphs in reference representation: `(input - zero point) * weight + bias` over
 * quantized tensors and an int32 bias. The sum is int32 without rounding, and saturates.
 */
export const integerLayers: readonly OperatorDefinition[] = [
  {
    schema:
      'octavo::integer_convolution(Tensor input, int input_zero_point, Tensor weight, Tensor? bias, SymInt[] stride, SymInt[] padding, SymInt[] dilation, SymInt groups) -> Tensor',
    infer: (args) => ({
      dtype: 'int32',
      shape: convolutionShape(args.tensor('input').shape, args.tensor('weight').shape, geometryOf(args)),
    }),
    samples: ['input'],
    step: (args) => ({
      op: 'integer_convolution',
      inputs: inputs(args),
      attributes: { ...geometryOf(args), xZeroPoint: args.number('input_zero_point') },
    }),
  },
  {
    schema:
      'octavo::integer_linear(Tensor input, int input_zero_point, Tensor weight, Tensor? bias) -> Tensor',
    infer: (args) => ({
      dtype: 'int32',
      shape: linearShape(args.tensor('input').shape, args.tensor('weight').shape),
    }),
    samples: ['input'],
    step: (args) => ({
      op: 'integer_linear',
      inputs: inputs(args),
      attributes: { xZeroPoint: args.number('input_zero_point') },
    }),
  },
  {
    /** The same with a zero point that is computed at run time. */
    schema: 'octavo::integer_linear.dynamic(Tensor input, Tensor input_zero_point, Tensor weight) -> Tensor',
    infer: (args) => ({
      dtype: 'int32',
      shape: linearShape(args.tensor('input').shape, args.tensor('weight').shape),
    }),
    samples: ['input'],
    step: (args) => ({
      op: 'integer_linear',
      inputs: [args.tensor('input'), args.tensor('weight'), args.tensor('input_zero_point')],
      attributes: { hasRuntimeZeroPoint: true },
    }),
  },
];
