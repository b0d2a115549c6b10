import { callOperator, type Value } from '../dispatcher.ts';
import { type InPlace, trimDefaults } from './arguments.ts';

function pointwise(name: string, source: string, x: Value, { inplace = false }: InPlace): Value {
  return callOperator({ target: `aten.${name}${inplace ? '_' : ''}.default`, args: [x], source });
}

/** max(x, 0) */
export function relu(x: Value, options: InPlace = {}): Value {
  const source = options.inplace ? 'torch.nn.functional.relu_' : 'torch.nn.functional.relu';
  return pointwise('relu', source, x, options);
}

/** min(max(x, 0), 6) */
export function relu6(x: Value, options: InPlace = {}): Value {
  return pointwise('relu6', 'torch.nn.functional.relu6', x, options);
}

/** x limited to [min, max] */
export function hardtanh(x: Value, min = -1, max = 1, { inplace = false }: InPlace = {}): Value {
  const target = `aten.hardtanh${inplace ? '_' : ''}.default`;
  const source = 'torch.nn.functional.hardtanh';
  return callOperator({ target, args: [x, min, max], source, floats: ['min_val', 'max_val'] });
}

/** x * relu6(x + 3) / 6 */
export function hardswish(x: Value, options: InPlace = {}): Value {
  return pointwise('hardswish', 'torch.nn.functional.hardswish', x, options);
}

/** relu6(x + 3) / 6 */
export function hardsigmoid(x: Value, options: InPlace = {}): Value {
  return pointwise('hardsigmoid', 'torch.nn.functional.hardsigmoid', x, options);
}

/** x * sigmoid(x), also called swish */
export function silu(x: Value, options: InPlace = {}): Value {
  return pointwise('silu', 'torch.nn.functional.silu', x, options);
}

/** The Gaussian error linear unit, exact or by its tanh approximation. */
export function gelu(x: Value, approximate: 'none' | 'tanh' = 'none'): Value {
  const kwargs: Record<string, string> = approximate === 'none' ? {} : { approximate };
  return callOperator({ target: 'aten.gelu.default', args: [x], kwargs, source: 'torch._C._nn.gelu' });
}

/** 1 / (1 + exp(-x)) */
export function sigmoid(x: Value): Value {
  return pointwise('sigmoid', 'torch.sigmoid', x, {});
}

/** The hyperbolic tangent of each element (`torch.tanh`). */
export function tanh(x: Value): Value {
  return pointwise('tanh', 'torch.tanh', x, {});
}

/** x where positive, else negativeSlope * x */
export function leakyRelu(x: Value, negativeSlope = 0.01, { inplace = false }: InPlace = {}): Value {
  return callOperator({
    target: `aten.leaky_relu${inplace ? '_' : ''}.default`,
    args: trimDefaults([x, negativeSlope], [0.01]),
    source: 'torch.nn.functional.leaky_relu',
    floats: ['negative_slope'],
  });
}

/** exp(x) over its sum along an axis */
export function softmax(x: Value, axis: number): Value {
  return callOperator({ target: 'aten.softmax.int', args: [x, axis], source: 'torch.nn.functional.softmax' });
}
