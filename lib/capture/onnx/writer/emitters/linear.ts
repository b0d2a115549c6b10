import type { OnnxCall, OnnxEmitter, OnnxEmitters } from '../call.ts';
import type { OnnxValue } from '../value.ts';
import { times } from './functions.ts';
import { dequantize, quantizedBias } from './quantization.ts';

/** A layer's weight as the right factor of a product: constants are transposed now, integers before they are dequantized. */
export function columnsOf(call: OnnxCall, weight: OnnxValue): OnnxValue {
  const { dequantized } = weight.facts;
  if (!dequantized?.integers.constant || weight.rank !== 2) return call.transpose(weight, [1, 0]);
  const { axis, integers } = dequantized;
  const turned = axis === undefined ? undefined : 1 - axis;
  return dequantize(call, { ...dequantized, integers: call.transpose(integers, [1, 0]), axis: turned });
}

/** Gemm for matrices; MatMul for inputs of another rank, which Gemm does not have. */
function linear(call: OnnxCall): OnnxValue {
  const { args } = call;
  const dtype = call.working('Gemm');
  const [x, weight] = ['input', 'weight'].map((name) => call.operand(name, dtype));
  const bias = args.isNone('bias') ? null : call.operand('bias', dtype);
  if (x.rank === 2) return call.op('Gemm', [x, weight, quantizedBias(call, x, weight, bias)], { transB: 1 });
  const product = call.op('MatMul', [x, columnsOf(call, weight)], {}, { shape: call.meta.shape });
  return bias ? call.op('Add', [product, bias]) : product;
}

const product =
  (first: string, second: string): OnnxEmitter =>
  (call) => {
    const dtype = call.working('MatMul');
    const factors = [first, second].map((name) => call.operand(name, dtype));
    return call.op('MatMul', factors, {}, { shape: call.meta.shape });
  };

/** Of two matrices: with Gemm, so that it is read as one. */
function matrixProduct(call: OnnxCall): OnnxValue {
  const dtype = call.working('Gemm');
  return call.op(
    'Gemm',
    ['self', 'mat2'].map((name) => call.operand(name, dtype)),
  );
}

/** `beta * self + alpha * (first @ second)` */
const scaledProduct =
  (first: string, second: string): OnnxEmitter =>
  (call) => {
    const { args } = call;
    const dtype = call.working('MatMul');
    const [self, a, b] = ['self', first, second].map((name) => call.operand(name, dtype));
    const scaled = (value: OnnxValue, name: string) => {
      const factor = args.number(name);
      return factor === 1 ? value : times(call, value, factor);
    };
    const matrix = scaled(call.op('MatMul', [a, b], {}, { shape: call.meta.shape }), 'alpha');
    // PyTorch does not read it then.
    if (args.number('beta') === 0) return matrix;
    return call.op('Add', [matrix, scaled(self, 'beta')]);
  };

/** A product of 8-bit integers, less their zero point where they have one. */
function integerProduct(call: OnnxCall, x: OnnxValue, columns: OnnxValue, zeroPoint?: OnnxValue): OnnxValue {
  const result = { dtype: 'int32', shape: call.meta.shape } as const;
  return call.op('MatMulInteger', [x, columns, zeroPoint ?? null], {}, result);
}

function integerLinear(call: OnnxCall): OnnxValue {
  const { args } = call;
  const x = args.tensor('input');
  const zeroPoint = call.cast(call.operand('input_zero_point', 'int32'), x.dtype);
  const scalar = zeroPoint.rank === 0 ? zeroPoint : call.reshape(zeroPoint, []);
  const sum = integerProduct(call, x, columnsOf(call, args.tensor('weight')), scalar);
  const has = args.schema.arguments.some(({ name }) => name === 'bias') && !args.isNone('bias');
  return has ? call.op('Add', [sum, call.operand('bias', 'int32')]) : sum;
}

/** A weight of int8 with a scale for each row, which is multiplied in afterwards. */
function weightOnly(call: OnnxCall): OnnxValue {
  const { args } = call;
  const dtype = call.real;
  const weight = call.cast(args.tensor('mat2'), dtype);
  const sum = call.op('MatMul', [call.operand('self', dtype), columnsOf(call, weight)], {}, call.meta);
  return call.op('Mul', [sum, call.operand('scales', dtype)]);
}

/** Linear layers and products of matrices. */
export const linearEmitters: OnnxEmitters = {
  'aten.linear.default': linear,
  'aten.matmul.default': product('self', 'other'),
  'aten.mm.default': matrixProduct,
  'aten.bmm.default': product('self', 'mat2'),
  'aten.addmm.default': scaledProduct('mat1', 'mat2'),
  'aten.baddbmm.default': scaledProduct('batch1', 'batch2'),
  'aten._int_mm.default': (call) => integerProduct(call, call.self, call.args.tensor('mat2')),
  'aten._weight_int8pack_mm.default': weightOnly,
  'octavo.integer_linear.default': integerLinear,
  'octavo.integer_linear.dynamic': integerLinear,
};
