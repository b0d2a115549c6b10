import type { OnnxCall, OnnxEmitter, OnnxValue } from '../emitter.ts';
import { quantizedBias } from './quantization.ts';

function linear(call: OnnxCall): OnnxValue {
  const x = call.args.tensor('input');
  const weight = call.args.tensor('weight');
  const bias = call.args.optionalTensor('bias');
  if (x.shape.length === 2)
    return call.result('Gemm', [x, weight, quantizedBias(call, x, weight, bias)], { transB: 1 });
  const shape = [weight.shape[1], weight.shape[0]];
  const transposed = call.intermediate(
    'weight',
    'Transpose',
    [weight],
    { perm: [1, 0] },
    { ...weight, shape },
  );
  if (!bias) return call.result('MatMul', [x, transposed]);
  return call.result('Add', [call.intermediate('product', 'MatMul', [x, transposed]), bias]);
}

/** Linear layers: Gemm for matrices, MatMul for inputs of higher rank, which Gemm does not support. */
export const linearEmitters: Readonly<Record<string, OnnxEmitter>> = { 'aten.linear.default': linear };
