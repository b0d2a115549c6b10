import type { Arguments, TensorMeta } from '../../graph/index.ts';
import { fusedSum, fusedUnary, unaryNames } from '../pointwise/pointwise.ts';
import type { OperatorDefinition, TensorLike } from '../registry.ts';
import { promoteTypes } from '../shape-rules.ts';
import { convolutionShape, geometryOf } from './convolution.ts';
import { linearShape } from './linear.ts';

function inferConvolution(args: Arguments<TensorMeta>): TensorMeta {
  const x = args.tensor('X');
  return { dtype: x.dtype, shape: convolutionShape(x.shape, args.tensor('W').shape, geometryOf(args)) };
}

function inferLinear(args: Arguments<TensorMeta>): TensorMeta {
  const x = args.tensor('X');
  return { dtype: x.dtype, shape: linearShape(x.shape, args.tensor('W').shape) };
}

/** With a second tensor added. Types are promoted as the layer and then the addition would promote them. */
const withAddend =
  (infer: typeof inferLinear): typeof inferLinear =>
  (args) => {
    const { dtype, shape } = infer(args);
    return { dtype: promoteTypes(dtype, args.tensor('other').dtype, args.schema.name), shape };
  };

function operands<T extends TensorLike>(args: Arguments<T>, other?: T) {
  const bias = args.optionalTensor('B');
  return {
    inputs: [args.tensor('X'), args.tensor('W'), ...(bias ? [bias] : []), ...(other ? [other] : [])],
    hasBias: bias !== null,
  };
}

/**
 * Float convolutions and linears with fused operations, under the names that Inductor uses. Weights are plain: OIHW,
 * and [out, in] for linear.
 */
export const mkldnn: readonly OperatorDefinition[] = [
  {
    schema:
      'mkldnn::_convolution_pointwise(Tensor X, Tensor W, Tensor? B, int[] padding, int[] stride, int[] dilation, int groups, str attr, Scalar?[] scalars, str? algorithm) -> Tensor',
    infer: inferConvolution,
    samples: ['X'],
    step: (args) => {
      const { inputs, hasBias } = operands(args);
      const attributes = {
        ...geometryOf(args),
        hasBias,
        ...fusedUnary(args, unaryNames.layer),
      };
      return { op: 'convolution', inputs, attributes };
    },
  },
  {
    schema:
      'mkldnn::_convolution_pointwise.binary(Tensor X, Tensor other, Tensor W, Tensor? B, int[] padding, int[] stride, int[] dilation, int groups, str binary_attr, Scalar? alpha, str? unary_attr, Scalar?[] unary_scalars, str? unary_algorithm) -> Tensor',
    infer: withAddend(inferConvolution),
    samples: ['X', 'other'],
    step: (args) => {
      const { inputs, hasBias } = operands(args, args.tensor('other'));
      const attributes = {
        ...geometryOf(args),
        hasBias,
        ...fusedSum(args.string('binary_attr'), args.raw('alpha')),
        ...fusedUnary(args, unaryNames.addition),
      };
      return { op: 'convolution', inputs, attributes };
    },
  },
  {
    schema:
      'mkldnn::_linear_pointwise(Tensor X, Tensor W, Tensor? B, str attr, Scalar?[] scalars, str? algorithm) -> Tensor',
    infer: inferLinear,
    samples: ['X'],
    step: (args) => {
      const { inputs, hasBias } = operands(args);
      return { op: 'linear', inputs, attributes: { hasBias, ...fusedUnary(args, unaryNames.layer) } };
    },
  },
  {
    schema:
      'mkldnn::_linear_pointwise.binary(Tensor X, Tensor other, Tensor W, Tensor? B, str attr) -> Tensor',
    infer: withAddend(inferLinear),
    samples: ['X', 'other'],
    step: (args) => {
      const { inputs, hasBias } = operands(args, args.tensor('other'));
      return { op: 'linear', inputs, attributes: { hasBias, ...fusedSum(args.string('attr')) } };
    },
  },
];
