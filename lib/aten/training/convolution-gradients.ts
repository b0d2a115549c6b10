import type { Arguments, TensorMeta } from '../../graph/index.ts';
import { type ConvolutionGeometry, convolutionShape, geometryOf } from '../layers/convolution.ts';
import type { NativeDefinition, OperatorDefinition } from '../registry.ts';

const geometryArguments = 'int[] stride, SymInt[] padding, SymInt[] padding_end, int[] dilation, int groups';

const fullGeometry = (args: Arguments<unknown>): ConvolutionGeometry => ({
  ...geometryOf(args),
  paddingEnd: args.numbers('padding_end'),
});

/** Shape of the operand that the gradient is of; the convolution's result must have the gradient's shape. */
function infer(
  args: Arguments<TensorMeta>,
  size: string,
  operands: (shape: TensorMeta['shape']) => [input: TensorMeta['shape'], weight: TensorMeta['shape']],
): TensorMeta {
  const { name } = args.schema;
  const grad = args.tensor('grad');
  if (grad.dtype !== 'float32')
    throw new Error(`${name}: gradients are computed in float32, got ${grad.dtype}`);
  const shape = args.dims(size);
  const result = convolutionShape(...operands(shape), fullGeometry(args));
  if (String(result) !== String(grad.shape))
    throw new Error(
      `${name}: the convolution gives [${result.join(', ')}], its gradient is [${grad.shape.join(', ')}]`,
    );
  return { dtype: grad.dtype, shape };
}

const ofInput: NativeDefinition = {
  schema: `octavo::convolution_input_gradient(Tensor grad, Tensor weight, SymInt[] input_size, ${geometryArguments}) -> Tensor`,
  infer: (args) => infer(args, 'input_size', (input) => [input, args.tensor('weight').shape]),
  samples: ['grad'],
  step: (args) => ({
    op: 'convolution_input_gradient',
    inputs: [args.tensor('grad'), args.tensor('weight')],
    attributes: { ...fullGeometry(args) },
  }),
};

const ofWeight: NativeDefinition = {
  schema: `octavo::convolution_weight_gradient(Tensor grad, Tensor input, SymInt[] weight_size, ${geometryArguments}) -> Tensor`,
  infer: (args) => infer(args, 'weight_size', (weight) => [args.tensor('input').shape, weight]),
  step: (args) => ({
    op: 'convolution_weight_gradient',
    inputs: [args.tensor('grad'), args.tensor('input')],
    attributes: { ...fullGeometry(args) },
  }),
};

/**
 * The gradients of a convolution's input and of its weight (counterparts: `torch.nn.grad.conv2d_input`, `conv2d_weight`, and
 * ATen's `convolution_backward`, which returns both).
 */
export const convolutionGradients: readonly OperatorDefinition[] = [ofInput, ofWeight];
