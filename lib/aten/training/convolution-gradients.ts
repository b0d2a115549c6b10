import type { Arguments, TensorMeta } from '../../graph/index.ts';
import { type ConvolutionGeometry, convolutionShape, geometryOf } from '../layers/convolution.ts';
import type { NativeDefinition, OperatorDefinition } from '../registry.ts';
import { computedDtype } from '../shape-rules.ts';

const geometryArguments = 'int[] stride, SymInt[] padding, SymInt[] padding_end, int[] dilation, int groups';

const fullGeometry = (args: Arguments<unknown>): ConvolutionGeometry => ({
  ...geometryOf(args),
  paddingEnd: args.numbers('padding_end'),
});

/**
 * The operand that the gradient is of, in float32; the convolution's result must have the gradient's shape.
 * @param other the operand that is read beside the gradient.
 */
function infer(
  args: Arguments<TensorMeta>,
  size: string,
  other: TensorMeta,
  operands: (shape: TensorMeta['shape']) => [input: TensorMeta['shape'], weight: TensorMeta['shape']],
): TensorMeta {
  const { name } = args.schema;
  const grad = args.tensor('grad');
  if (computedDtype(grad.dtype, name) !== other.dtype)
    throw new Error(
      `${name}: gradients are computed from tensors of one dtype, got ${grad.dtype} and ${other.dtype}`,
    );
  const shape = args.dims(size);
  const result = convolutionShape(...operands(shape), fullGeometry(args));
  if (String(result) !== String(grad.shape))
    throw new Error(
      `${name}: the convolution gives [${result.join(', ')}], its gradient is [${grad.shape.join(', ')}]`,
    );
  return { dtype: 'float32', shape };
}

const ofInput: NativeDefinition = {
  schema: `octavo::convolution_input_gradient(Tensor grad, Tensor weight, SymInt[] input_size, ${geometryArguments}) -> Tensor`,
  infer: (args) => {
    const weight = args.tensor('weight');
    return infer(args, 'input_size', weight, (input) => [input, weight.shape]);
  },
  samples: ['grad'],
  step: (args) => ({
    op: 'convolution_input_gradient',
    inputs: [args.tensor('grad'), args.tensor('weight')],
    attributes: { ...fullGeometry(args) },
  }),
};

const ofWeight: NativeDefinition = {
  schema: `octavo::convolution_weight_gradient(Tensor grad, Tensor input, SymInt[] weight_size, ${geometryArguments}) -> Tensor`,
  infer: (args) => {
    const input = args.tensor('input');
    return infer(args, 'weight_size', input, (weight) => [input.shape, weight]);
  },
  step: (args) => ({
    op: 'convolution_weight_gradient',
    inputs: [args.tensor('grad'), args.tensor('input')],
    attributes: { ...fullGeometry(args) },
  }),
};

/**
 * The gradients of a convolution's input and of its weight (counterparts: `torch.nn.grad.conv2d_input`, `conv2d_weight`, and
 * ATen's `convolution_backward`, which returns both). They read float32 or bfloat16, and return float32.
 */
export const convolutionGradients: readonly OperatorDefinition[] = [ofInput, ofWeight];
