import { callOperator, type Value } from '../dispatcher.ts';
import { type InPlace, trimDefaults } from './arguments.ts';

/** A call of an arithmetic operator, with its name in Python's `operator` module. */
function arithmetic(name: string, python: string, a: Value, b: Value | number, { inplace }: InPlace): Value {
  const target = `aten.${name}${inplace ? '_' : ''}.Tensor`;
  return callOperator({ target, args: [a, b], source: `_operator.${inplace ? 'i' : ''}${python}` });
}

/** Elementwise `a + b`, broadcast (`operator.add`). */
export function add(a: Value, b: Value | number, options: InPlace = {}): Value {
  return arithmetic('add', 'add', a, b, options);
}

/** Elementwise `a - b`, broadcast (`operator.sub`). */
export function sub(a: Value, b: Value | number, options: InPlace = {}): Value {
  return arithmetic('sub', 'sub', a, b, options);
}

/** Elementwise `a * b`, broadcast (`operator.mul`). */
export function mul(a: Value, b: Value | number, options: InPlace = {}): Value {
  return arithmetic('mul', 'mul', a, b, options);
}

/** Elementwise `a / b`, broadcast (`operator.truediv`). */
export function div(a: Value, b: Value | number, options: InPlace = {}): Value {
  return arithmetic('div', 'truediv', a, b, options);
}

/** Matrix product over the last two dimensions; the others are broadcast. */
export function matmul(a: Value, b: Value): Value {
  return callOperator({ target: 'aten.matmul.default', args: [a, b], source: 'torch.matmul' });
}

/** The mean over axes. */
export function mean(x: Value, axes: readonly number[], keepdim = false): Value {
  return callOperator({
    target: 'aten.mean.dim',
    args: trimDefaults([x, axes, keepdim], [false]),
    source: 'mean',
  });
}

/** The sum over axes. */
export function sum(x: Value, axes: readonly number[], keepdim = false): Value {
  const args = trimDefaults([x, axes, keepdim], [false]);
  return callOperator({ target: 'aten.sum.dim_IntList', args, source: 'sum' });
}

/** x limited to [min, max]. A null bound does not limit. */
export function clamp(x: Value, min: number | null, max: number | null = null): Value {
  return callOperator({
    target: 'aten.clamp.default',
    args: trimDefaults([x, min, max], [null]),
    source: 'torch.clamp',
  });
}
