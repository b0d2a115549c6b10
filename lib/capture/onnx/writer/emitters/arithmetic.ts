import { onnxDataTypes } from '../../dtype.ts';
import type { OnnxCall, OnnxEmitter, OnnxValue } from '../emitter.ts';

/**
 * An operand: a number becomes a scalar constant, and a tensor is cast to the result's dtype, because ONNX does not
 * promote types.
 */
function operand(call: OnnxCall, name: string): OnnxValue {
  const value = call.args.raw(name);
  if (typeof value === 'number') return call.scalar(name, value);
  const tensor = call.args.tensor(name);
  const { dtype } = call.meta;
  if (tensor.dtype === dtype) return tensor;
  return call.intermediate(
    `${name}/cast`,
    'Cast',
    [tensor],
    { to: onnxDataTypes[dtype] },
    { ...tensor, dtype },
  );
}

function binary(opType: string): OnnxEmitter {
  return (call) => call.result(opType, [operand(call, 'self'), operand(call, 'other')]);
}

/** `self + alpha * other` and its mirror image. */
function scaledBinary(opType: string): OnnxEmitter {
  return (call) => {
    const alpha = call.args.number('alpha');
    const right = operand(call, 'other');
    const scaled = () => call.intermediate('scaled', 'Mul', [right, call.scalar('alpha', alpha)], {}, right);
    return call.result(opType, [operand(call, 'self'), alpha === 1 ? right : scaled()]);
  };
}

/** Pointwise functions of two tensors, with NumPy's broadcasting, and matrix products of two activations. */
export const arithmeticEmitters: Readonly<Record<string, OnnxEmitter>> = {
  'aten.add.Tensor': scaledBinary('Add'),
  'aten.sub.Tensor': scaledBinary('Sub'),
  'aten.mul.Tensor': binary('Mul'),
  'aten.div.Tensor': binary('Div'),
  'aten.add.Scalar': scaledBinary('Add'),
  'aten.sub.Scalar': scaledBinary('Sub'),
  'aten.mul.Scalar': binary('Mul'),
  'aten.div.Scalar': binary('Div'),
  'aten.maximum.default': binary('Max'),
  'aten.minimum.default': binary('Min'),
  'aten.matmul.default': binary('MatMul'),
  'aten.mm.default': (call) => call.result('MatMul', [call.args.tensor('self'), call.args.tensor('mat2')]),
  'aten.bmm.default': (call) => call.result('MatMul', [call.args.tensor('self'), call.args.tensor('mat2')]),
};
