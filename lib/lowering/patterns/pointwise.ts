import type { Node } from '../../graph/index.ts';
import { numelOf } from '../../tensor/index.ts';
import type { PassContext } from '../pass.ts';
import { unaryOf } from './unary.ts';

const functions = new Set(
  [
    'abs',
    'elu',
    'exp',
    'log',
    'neg',
    'reciprocal',
    'rsqrt',
    'sqrt',
    'square',
    'clamp',
    'clamp_min',
    'clamp_max',
  ].map((name) => `aten.${name}.default`),
);
const withScalar = /^aten\.(add|sub|mul|div|pow|rsub)\.(Tensor|Scalar|Tensor_Scalar)$/;

/** Whether each element of a call's result depends only on the same element of its first argument. */
export function isPointwise(context: PassContext, node: Node): boolean {
  if (node.op !== 'call_function') return false;
  if (unaryOf(context, node) || functions.has(node.target)) return true;
  return withScalar.test(node.target) && isScalar(context, node);
}

function isScalar(context: PassContext, node: Node): boolean {
  const [first, other] = node.args;
  if (typeof other === 'number') return true;
  const inputs = node.allInputNodes;
  const constant = inputs.length === 2 && inputs[0] === first ? context.constantValue(inputs[1]) : undefined;
  if (constant === undefined || numelOf(constant.shape) !== 1) return false;
  // A constant of higher rank would change the result's rank.
  return constant.shape.length <= context.meta(inputs[0]).shape.length;
}
