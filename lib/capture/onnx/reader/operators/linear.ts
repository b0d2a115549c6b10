import type { Dim } from '../../../../graph/index.ts';
import type { OnnxCall, OperatorTable } from '../call.ts';
import { ConstantValue, type OnnxValue } from '../values.ts';
import { isWeight, layerWeight, transposedWeight } from './quantized/weights.ts';

/** `A B`, where B is a matrix of constants: a linear layer. */
export function matmul(call: OnnxCall): OnnxValue {
  const [a, b] = [call.input(0), call.input(1)];
  if (b.shape.length === 2 && a.shape.length >= 2 && isWeight(b) && !(a instanceof ConstantValue))
    return call.call('aten.linear.default', a, transposedWeight(call, b), null);
  return call.call('aten.matmul.default', a, b);
}

/** `alpha A B + beta C`, each of A and B transposed or not. */
export function gemm(call: OnnxCall): OnnxValue {
  const { attributes } = call;
  const [alpha, beta] = [attributes.float('alpha', 1), attributes.float('beta', 1)];
  const [transA, transB] = [attributes.int('transA', 0) !== 0, attributes.int('transB', 0) !== 0];
  for (const i of [0, 1])
    if (call.input(i).shape.length !== 2)
      throw new Error(`input ${i} must be a matrix, got [${call.input(i).shape.join(', ')}]`);
  const a = transA ? transposed(call, call.input(0)) : call.input(0);
  const b = call.input(1);
  const c = beta === 0 ? undefined : call.optional(2);
  const bias = c && scaled(call, c, beta);
  const rows = transB ? b.shape[0] : b.shape[1];
  if (isWeight(b) && !(a instanceof ConstantValue)) {
    const weight = transB ? layerWeight(call, b) : transposedWeight(call, b);
    const inLayer = bias && alpha === 1 ? biasOf(call, bias, rows) : undefined;
    const product = scaled(call, call.call('aten.linear.default', a, weight, inLayer ?? null), alpha);
    return bias && !inLayer ? call.call('aten.add.Tensor', product, bias) : product;
  }
  const right = transB ? transposed(call, b) : b;
  const product = scaled(call, call.call('aten.mm.default', a, right), alpha);
  return bias ? call.call('aten.add.Tensor', product, bias) : product;
}

const transposed = (call: OnnxCall, matrix: OnnxValue): OnnxValue =>
  call.call('aten.permute.default', matrix, [1, 0]);

const scaled = (call: OnnxCall, value: OnnxValue, factor: number): OnnxValue =>
  factor === 1 ? value : call.call('aten.mul.Tensor', value, factor);

/** What is added to every row, as a linear layer has it: one number a column. */
function biasOf(call: OnnxCall, bias: OnnxValue, columns: Dim): OnnxValue | undefined {
  const isRow = bias.shape.length > 0 && bias.shape.slice(0, -1).every((dim) => dim === 1);
  return isRow && bias.shape.at(-1) === columns ? call.reshape(bias, [columns]) : undefined;
}

const einsum = (call: OnnxCall): OnnxValue =>
  call.call('aten.einsum.default', call.attributes.string('equation'), call.all());

/** Products of matrices. */
export const linearReaders: OperatorTable = { MatMul: matmul, Gemm: gemm, Einsum: einsum };
