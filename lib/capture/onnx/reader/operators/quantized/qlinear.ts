import { Tensor } from '../../../../../tensor/index.ts';
import type { OnnxCall, OperatorReader, OperatorTable } from '../../call.ts';
import { ConstantValue, type OnnxValue } from '../../values.ts';
import { commutative } from '../arithmetic.ts';
import { convolution } from '../convolution.ts';
import { gemm, matmul } from '../linear.ts';
import { softmax, softmaxOfMatrix } from '../normalization.ts';
import { averagePool, globalAverage } from '../pooling.ts';
import { rangeOf } from './computed-parameters.ts';
import { type Affine, affineOf, dequantize, quantize } from './quantization.ts';

/**
 * Operators of integers are read as what they stand for: dequantized inputs, the operator on real numbers, and its result
 * quantized. Lowering puts them on integers again, as it does with a model that was quantized here.
 */

/** Three inputs from `at` on, integers, scale and zero point, as real numbers; with the parameters. */
function real(call: OnnxCall, at: number, axis = 1): { value: OnnxValue; affine: Affine } {
  const integers = call.input(at);
  const affine = affineOf(call, integers, at + 1, at + 2, axis);
  return { value: dequantize(call, integers, affine), affine };
}

/** The result in integers, with the scale and zero point of the inputs from `at` on. */
function result(call: OnnxCall, value: OnnxValue, at: number): OnnxValue {
  const dtype = call.optional(at + 1)?.dtype ?? call.input(0).dtype;
  return quantize(call, value, affineOf(call, value, at, at + 1, 1), rangeOf(dtype));
}

/** An int32 bias, in units of the input's scale times the weight's: a float32, as a scale of its own would be. */
function realBias(call: OnnxCall, at: number, x: Affine, weight: Affine): OnnxValue | undefined {
  const bias = call.optional(at);
  if (!bias) return undefined;
  if (!(bias instanceof ConstantValue)) throw new Error('the bias must be known when the file is read');
  const units = weight.scales.map((scale) => Math.fround(scale * x.scales[0]));
  const { tensor } = bias;
  if (tensor.dtype !== 'int32') throw new Error(`the bias must be int32, got ${tensor.dtype}`);
  const values = Float32Array.from(
    tensor.data as Int32Array,
    (value, i) => value * units[units.length === 1 ? 0 : i],
  );
  return call.constant(new Tensor('float32', values, tensor.shape));
}

function qlinearConv(call: OnnxCall): OnnxValue {
  const x = real(call, 0);
  const weight = real(call, 3, 0);
  const bias = realBias(call, 8, x.affine, weight.affine);
  return result(call, convolution(call.with([x.value, weight.value, bias])), 6);
}

function qlinearMatmul(call: OnnxCall): OnnxValue {
  const [a, b] = [real(call, 0, -2), real(call, 3, -1)];
  return result(call, matmul(call.with([a.value, b.value])), 6);
}

/** Without parameters for the result it stays a real number. */
function qgemm(call: OnnxCall): OnnxValue {
  const columns = call.attributes.int('transB', 0) === 1 ? 0 : 1;
  const [a, b] = [real(call, 0), real(call, 3, columns)];
  const c = realBias(call, 6, a.affine, b.affine);
  const product = gemm(call.with([a.value, b.value, c]));
  return call.optional(7) ? result(call, product, 7) : product;
}

/** Two tensors. */
const binary =
  (target: string): OperatorReader =>
  (call) => {
    const [a, b] = [real(call, 0), real(call, 3)];
    return result(call, commutative(call, target, a.value, b.value), 6);
  };

/** One tensor. */
const unary =
  (read: (call: OnnxCall) => OnnxValue): OperatorReader =>
  (call) =>
    result(call, read(call.with([real(call, 0).value], 13)), 3);

function channelsFirst(call: OnnxCall): void {
  if (call.attributes.int('channels_last', 0) !== 0) throw new Error('channels_last=1 is not supported');
}

const pooled = (read: (call: OnnxCall) => OnnxValue): OperatorReader => {
  const reader = unary(read);
  return (call) => {
    channelsFirst(call);
    return reader(call);
  };
};

/** The result's parameters come first, then three inputs for each part. */
function qlinearConcat(call: OnnxCall): OnnxValue {
  const parts = call.inputs.flatMap((_, i) => (i % 3 === 2 ? [real(call, i).value] : []));
  if (parts.length === 0) throw new Error('it has no inputs to join');
  const axis = call.axis(call.attributes.int('axis'), parts[0].shape.length);
  const joined = call.call('aten.cat.default', parts, axis);
  const dtype = call.optional(1)?.dtype ?? call.input(2).dtype;
  return quantize(call, joined, affineOf(call, joined, 0, 1, 1), rangeOf(dtype));
}

/** Before operator set 13, which an attribute says, softmax was of matrices. */
function qlinearSoftmax(call: OnnxCall): OnnxValue {
  const isOfMatrix = call.attributes.int('opset', 13) < 13;
  return (isOfMatrix ? softmaxOfMatrix : softmax)('aten.softmax.int')(call);
}

const leakyRelu = (call: OnnxCall): OnnxValue =>
  call.call('aten.leaky_relu.default', call.input(0), call.attributes.float('alpha', 0.01));

const sigmoid = (call: OnnxCall): OnnxValue => call.call('aten.sigmoid.default', call.input(0));

/** Operators of quantized tensors, those of ONNX Runtime among them. */
export const qlinearReaders: OperatorTable = {
  QLinearConv: qlinearConv,
  QLinearMatMul: qlinearMatmul,
  'com.microsoft.QLinearConv': qlinearConv,
  'com.microsoft.QLinearAdd': binary('aten.add.Tensor'),
  'com.microsoft.QLinearMul': binary('aten.mul.Tensor'),
  'com.microsoft.QLinearSigmoid': unary(sigmoid),
  'com.microsoft.QLinearLeakyRelu': unary(leakyRelu),
  'com.microsoft.QLinearAveragePool': pooled(averagePool),
  'com.microsoft.QLinearGlobalAveragePool': pooled(globalAverage),
  'com.microsoft.QLinearSoftmax': unary(qlinearSoftmax),
  'com.microsoft.QLinearConcat': qlinearConcat,
  'com.microsoft.QGemm': qgemm,
};
