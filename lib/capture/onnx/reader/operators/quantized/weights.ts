import { DEQUANTIZE_PER_CHANNEL, DEQUANTIZE_PER_TENSOR } from '../../../../../aten/index.ts';
import { Node } from '../../../../../graph/index.ts';
import { integerRange, Tensor } from '../../../../../tensor/index.ts';
import type { OnnxCall } from '../../call.ts';
import type { CallArgument } from '../../graph-writer.ts';
import { ComputedValue, ConstantValue, type OnnxValue } from '../../values.ts';

/** Constant integers, with the call that dequantizes them: scales, zero points, axis if there is one, and the range. */
interface QuantizedConstant {
  readonly target: string;
  readonly integers: ConstantValue;
  readonly parameters: readonly CallArgument[];
}

function quantizedConstant(call: OnnxCall, value: OnnxValue): QuantizedConstant | undefined {
  if (!(value instanceof ComputedValue)) return undefined;
  const { target, args } = value.node;
  if (target !== DEQUANTIZE_PER_CHANNEL && target !== DEQUANTIZE_PER_TENSOR) return undefined;
  const constantOf = (node: Node) =>
    new ConstantValue(call.writer.module.attribute(node.target), node.target);
  const [integers, ...parameters] = args as readonly [Node, ...CallArgument[]];
  if (integers.op !== 'get_attr') return undefined;
  return {
    target,
    integers: constantOf(integers),
    parameters: parameters.map((arg) => (arg instanceof Node ? constantOf(arg) : arg)),
  };
}

/** A constant, as floats or as integers that are dequantized, in blocks of its axes or as a whole. */
export const isWeight = (value: OnnxValue): boolean =>
  value instanceof ConstantValue || (value instanceof ComputedValue && isOfConstants(value.node));

function isOfConstants(node: Node): boolean {
  const found = new Set([node]);
  for (const each of found) {
    if (each.op !== 'get_attr' && each.op !== 'call_function') return false;
    for (const input of each.allInputNodes) found.add(input);
  }
  return true;
}

/** A weight as layers have it: integers are signed, which is what kernels compute with. */
export function layerWeight(call: OnnxCall, value: OnnxValue): OnnxValue {
  const quantized = quantizedConstant(call, value);
  return quantized?.integers.dtype === 'uint8' ? dequantized(call, signed(call, quantized)) : value;
}

/** A matrix of constants transposed; of integers, before they are dequantized. */
export function transposedWeight(call: OnnxCall, value: OnnxValue): OnnxValue {
  const quantized = quantizedConstant(call, value);
  if (!quantized) return call.call('aten.t.default', value);
  const { target, integers, parameters } = signed(call, quantized);
  const transposed = call.call('aten.t.default', integers) as ConstantValue;
  const isPerChannel = target === DEQUANTIZE_PER_CHANNEL;
  const turned = parameters.map((arg, i) => (isPerChannel && i === 2 ? 1 - (arg as number) : arg));
  return dequantized(call, { target, integers: transposed, parameters: turned });
}

const dequantized = (call: OnnxCall, { target, integers, parameters }: QuantizedConstant): OnnxValue =>
  call.writer.keep(target, [integers, ...parameters]);

const half = 128;

/** uint8 as int8: integers and zero points are less by a half of the range. */
function signed(call: OnnxCall, quantized: QuantizedConstant): QuantizedConstant {
  const { target, integers, parameters } = quantized;
  if (integers.dtype !== 'uint8') return quantized;
  const data = Int8Array.from(integers.tensor.data as Uint8Array, (value) => value - half);
  const [scales, zeroPoints] = parameters;
  const { min, max } = integerRange('int8');
  const axis = target === DEQUANTIZE_PER_CHANNEL ? [parameters[2]] : [];
  return {
    target,
    integers: new ConstantValue(new Tensor('int8', data, integers.shape), integers.name),
    parameters: [scales, lessByHalf(call, zeroPoints), ...axis, min, max, 'int8'],
  };
}

function lessByHalf(call: OnnxCall, zeroPoints: CallArgument): CallArgument {
  if (typeof zeroPoints === 'number') return zeroPoints - half;
  const { tensor } = zeroPoints as ConstantValue;
  return call.constant(
    Tensor.from(
      'int64',
      tensor.toArray().map((value) => value - half),
    ),
  );
}
