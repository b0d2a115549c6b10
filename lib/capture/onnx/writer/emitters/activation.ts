import { float, type OnnxCall, type OnnxEmitter } from '../emitter.ts';
import type { OnnxAttributeValue } from '../graph-builder.ts';

function unary(opType: string, attributes: Readonly<Record<string, OnnxAttributeValue>> = {}): OnnxEmitter {
  return (call) => call.result(opType, [call.args.tensor('self')], attributes);
}

function clip(call: OnnxCall, min: number | null, max: number | null) {
  return call.result('Clip', [
    call.args.tensor('self'),
    min === null ? null : call.scalar('min', min),
    max === null ? null : call.scalar('max', max),
  ]);
}

/** Pointwise functions of one tensor. */
export const activationEmitters: Readonly<Record<string, OnnxEmitter>> = {
  'aten.relu.default': unary('Relu'),
  'aten.relu6.default': (call) => clip(call, 0, 6),
  'aten.hardtanh.default': (call) => clip(call, call.args.number('min_val'), call.args.number('max_val')),
  'aten.clamp.default': (call) =>
    clip(call, call.args.optionalNumber('min'), call.args.optionalNumber('max')),
  'aten.clamp_min.default': (call) => clip(call, call.args.number('min'), null),
  'aten.clamp_max.default': (call) => clip(call, null, call.args.number('max')),
  'aten.hardswish.default': unary('HardSwish'),
  'aten.hardsigmoid.default': unary('HardSigmoid', { alpha: float(1 / 6), beta: float(0.5) }),
  'aten.sigmoid.default': unary('Sigmoid'),
  'aten.tanh.default': unary('Tanh'),
  'aten.exp.default': unary('Exp'),
  'aten.log.default': unary('Log'),
  'aten.reciprocal.default': unary('Reciprocal'),
  'aten.mish.default': unary('Mish'),
  'aten.sqrt.default': unary('Sqrt'),
  'aten.abs.default': unary('Abs'),
  'aten.neg.default': unary('Neg'),
  'aten.silu.default': (call) => {
    const x = call.args.tensor('self');
    return call.result('Mul', [x, call.intermediate('sigmoid', 'Sigmoid', [x])]);
  },
  'aten.gelu.default': (call) =>
    call.result('Gelu', [call.args.tensor('self')], { approximate: call.args.string('approximate') }),
  'aten.leaky_relu.default': (call) =>
    call.result('LeakyRelu', [call.args.tensor('self')], {
      alpha: float(call.args.number('negative_slope')),
    }),
  'aten.softmax.int': (call) =>
    call.result('Softmax', [call.args.tensor('self')], { axis: call.args.number('dim') }),
};
