import type { Arguments, TensorMeta } from '../../graph/index.ts';
import type { Attributes } from '../../native/addon-types.ts';
import type { DType } from '../../tensor/index.ts';
import { convolutionShape, geometryOf } from '../layers/convolution.ts';
import { linearShape } from '../layers/linear.ts';
import { fusedSum, fusedUnary, unaryNames } from '../pointwise/pointwise.ts';
import {
  constantFloats,
  constantValues,
  type OperatorDefinition,
  type Step,
  type TensorLike,
} from '../registry.ts';

function outputDtype<T extends { readonly dtype: DType }>(args: Arguments<T>): DType {
  return args.isNone('output_dtype') ? args.tensor('qx').dtype : args.dtype('output_dtype');
}

function inferConvolution(args: Arguments<TensorMeta>): TensorMeta {
  const [x, weight] = [args.tensor('qx'), args.tensor('qw')];
  return { dtype: outputDtype(args), shape: convolutionShape(x.shape, weight.shape, geometryOf(args)) };
}

function inferLinear(args: Arguments<TensorMeta>): TensorMeta {
  const [x, weight] = [args.tensor('qx'), args.tensor('qw')];
  return { dtype: outputDtype(args), shape: linearShape(x.shape, weight.shape) };
}

/** A quantization parameter: a number, or a constant tensor of one element in the `.tensor` overloads. */
function parameter<T extends TensorLike>(args: Arguments<T>, name: string): number {
  const value = args.raw(name);
  if (typeof value === 'number') return value;
  const values = constantValues(args.tensor(name), name);
  if (values.length !== 1) throw new Error(`${name} must have one element, got ${values.length}`);
  return Number(values[0]);
}

/** Of int64, whose elements would each become a bigint, it looks at the halves: every new plan asks every layer. */
function areZero(values: ArrayLike<number | bigint>): boolean {
  if (values instanceof BigInt64Array)
    return areZero(new Int32Array(values.buffer, values.byteOffset, 2 * values.length));
  for (let i = 0; i < values.length; i++) if (Number(values[i]) !== 0) return false;
  return true;
}

function quantization<T extends TensorLike>(args: Arguments<T>, dynamic: boolean): Attributes {
  const zeroPoints = args.isNone('w_zero_point')
    ? []
    : constantValues(args.tensor('w_zero_point'), 'w_zero_point');
  if (!areZero(zeroPoints)) throw new Error('w_zero_point must be 0: weights are quantized symmetrically');
  const source = dynamic
    ? { dynamicSource: true }
    : { xScale: parameter(args, 'x_scale'), xZeroPoint: parameter(args, 'x_zero_point') };
  return {
    ...source,
    weightScales: constantFloats(args.tensor('w_scale'), 'w_scale'),
    outputScale: args.number('output_scale'),
    outputZeroPoint: args.number('output_zero_point'),
  };
}

/** The step of one quantized operator. `fused` holds its post-operations, `addend` the tensor that a sum adds. */
function quantizedStep<T extends TensorLike>(
  op: 'convolution' | 'linear',
  args: Arguments<T>,
  fused: Attributes,
  addend: T | null = null,
): Step<T> {
  const bias = args.optionalTensor('bias');
  const dynamic = op === 'linear' && typeof args.raw('x_scale') !== 'number';
  const source = dynamic ? [args.tensor('x_scale'), args.tensor('x_zero_point')] : [];
  const inputs = [
    ...[args.tensor('qx'), args.tensor('qw'), ...source],
    ...(bias ? [bias] : []),
    ...(addend ? [addend] : []),
  ];
  const geometry = op === 'convolution' ? geometryOf(args) : {};
  const attributes = { ...geometry, ...quantization(args, dynamic), hasBias: bias !== null, ...fused };
  return { op, inputs, attributes };
}

const convolutionStep = <T extends TensorLike>(args: Arguments<T>): Step<T> =>
  quantizedStep('convolution', args, fusedUnary(args, unaryNames.layer));

const linearStep = <T extends TensorLike>(args: Arguments<T>): Step<T> =>
  quantizedStep('linear', args, fusedUnary(args, unaryNames.quantizedLinear));

function convolutionBinaryStep<T extends TensorLike>(args: Arguments<T>): Step<T> {
  const fused = {
    ...fusedSum(args.string('binary_attr'), args.raw('alpha')),
    addScale: args.number('accum_scale'),
    addZeroPoint: args.number('accum_zero_point'),
    ...fusedUnary(args, unaryNames.addition),
  };
  return quantizedStep('convolution', args, fused, args.tensor('qaccum'));
}

function linearBinaryStep<T extends TensorLike>(args: Arguments<T>): Step<T> {
  const fused = {
    ...fusedSum(args.string('binary_post_op'), args.raw('binary_alpha')),
    addScale: args.number('other_scale'),
    addZeroPoint: args.number('other_zp'),
    ...fusedUnary(args, unaryNames.quantizedLinearAddition),
  };
  return quantizedStep('linear', args, fused, args.tensor('other'));
}

const geometrySchema = 'int[] stride, int[] padding, int[] dilation, int groups';
const outputSchema = 'float output_scale, int output_zero_point, ScalarType? output_dtype';
const weightSchema = 'Tensor qw, Tensor w_scale, Tensor w_zero_point';
const scalarInput = `Tensor qx, float x_scale, int x_zero_point, ${weightSchema}`;
const tensorInput = `Tensor qx, Tensor x_scale, Tensor x_zero_point, ${weightSchema}`;
const convolutionUnarySchema = 'str attr, Scalar?[] scalars, str? algorithm';
const convolutionBinarySchema =
  'float accum_scale, int accum_zero_point, str binary_attr, Scalar? alpha, str? unary_attr, Scalar?[] unary_scalars, str? unary_algorithm';
const linearUnarySchema = 'str post_op_name, Scalar?[] post_op_args, str post_op_algorithm';
const linearBinarySchema =
  'float other_scale, int other_zp, str binary_post_op, float binary_alpha, str unary_post_op, Scalar?[] unary_post_op_args, str unary_post_op_algorithm';

/**
 * Quantized convolutions and linears, under the names and with the arguments that Inductor uses. Three differences:
 * weights are plain (int8 OIHW, and [out, in] for linear), as each plan packs them itself; `qaccum` is not written to;
 * an `output_dtype` of None is `qx`'s dtype. If the scale and zero point of an input are tensors, those of a
 * convolution must be constants of the graph; those of a linear layer may be computed (dynamic quantization).
 */
export const onednn: readonly OperatorDefinition[] = [
  {
    schema: `onednn::qconv1d_pointwise(${scalarInput}, Tensor? bias, ${geometrySchema}, ${outputSchema}, ${convolutionUnarySchema}) -> Tensor`,
    infer: inferConvolution,
    samples: ['qx'],
    step: convolutionStep,
  },
  {
    schema: `onednn::qconv2d_pointwise(${scalarInput}, Tensor? bias, ${geometrySchema}, ${outputSchema}, ${convolutionUnarySchema}) -> Tensor`,
    infer: inferConvolution,
    samples: ['qx'],
    step: convolutionStep,
  },
  {
    schema: `onednn::qconv2d_pointwise.tensor(${tensorInput}, Tensor? bias, ${geometrySchema}, ${outputSchema}, ${convolutionUnarySchema}) -> Tensor`,
    infer: inferConvolution,
    samples: ['qx'],
    step: convolutionStep,
  },
  {
    schema: `onednn::qconv2d_pointwise.binary(${scalarInput}, Tensor qaccum, Tensor? bias, ${geometrySchema}, ${outputSchema}, ${convolutionBinarySchema}) -> Tensor`,
    infer: inferConvolution,
    samples: ['qx', 'qaccum'],
    step: convolutionBinaryStep,
  },
  {
    schema: `onednn::qconv2d_pointwise.binary_tensor(${tensorInput}, Tensor qaccum, Tensor? bias, ${geometrySchema}, ${outputSchema}, ${convolutionBinarySchema}) -> Tensor`,
    infer: inferConvolution,
    samples: ['qx', 'qaccum'],
    step: convolutionBinaryStep,
  },
  {
    schema: `onednn::qlinear_pointwise(${scalarInput}, Tensor? bias, ${outputSchema}, ${linearUnarySchema}) -> Tensor`,
    infer: inferLinear,
    samples: ['qx'],
    step: linearStep,
  },
  {
    schema: `onednn::qlinear_pointwise.tensor(${tensorInput}, Tensor? bias, ${outputSchema}, ${linearUnarySchema}) -> Tensor`,
    infer: inferLinear,
    samples: ['qx'],
    step: linearStep,
  },
  {
    schema: `onednn::qlinear_pointwise.binary(${scalarInput}, Tensor? other, Tensor? bias, ${outputSchema}, ${linearBinarySchema}) -> Tensor`,
    infer: inferLinear,
    samples: ['qx', 'other'],
    step: linearBinaryStep,
  },
  {
    schema: `onednn::qlinear_pointwise.binary_tensor(${tensorInput}, Tensor? other, Tensor? bias, ${outputSchema}, ${linearBinarySchema}) -> Tensor`,
    infer: inferLinear,
    samples: ['qx', 'other'],
    step: linearBinaryStep,
  },
];
