import type { OnnxCall, OnnxEmitter, OnnxValue } from '../emitter.ts';

/** The second operand: a tensor, or a number that becomes a scalar constant. */
function other(call: OnnxCall): OnnxValue {
  const value = call.args.raw('other');
  return typeof value === 'number' ? call.scalar('other', value) : call.args.tensor('other');
}

function binary(opType: string): OnnxEmitter {
  return (call) => call.result(opType, [call.args.tensor('self'), other(call)]);
}

/** `self + alpha * other` and its mirror image. */
function scaledBinary(opType: string): OnnxEmitter {
  return (call) => {
    const alpha = call.args.number('alpha');
    const right = other(call);
    const scaled = () => call.intermediate('scaled', 'Mul', [right, call.scalar('alpha', alpha)], {}, right);
    return call.result(opType, [call.args.tensor('self'), alpha === 1 ? right : scaled()]);
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
