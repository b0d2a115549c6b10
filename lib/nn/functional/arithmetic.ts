import { callOperator, type Value } from '../dispatch.ts';
import { trimDefaults } from './arguments.ts';

function arithmetic(name: string, source: string, a: Value, b: Value | number): Value {
  return callOperator({ target: `aten.${name}.Tensor`, args: [a, b], source });
}

export function add(a: Value, b: Value | number): Value {
  return arithmetic('add', '_operator.add', a, b);
}

export function sub(a: Value, b: Value | number): Value {
  return arithmetic('sub', '_operator.sub', a, b);
}

export function mul(a: Value, b: Value | number): Value {
  return arithmetic('mul', '_operator.mul', a, b);
}

export function div(a: Value, b: Value | number): Value {
  return arithmetic('div', '_operator.truediv', a, b);
}

/** Matrix product over the last two dimensions, the others broadcast. */
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

/** x limited to [min, max]; null leaves an end open. */
export function clamp(x: Value, min: number | null, max: number | null = null): Value {
  return callOperator({
    target: 'aten.clamp.default',
    args: trimDefaults([x, min, max], [null]),
    source: 'torch.clamp',
  });
}
