import type { Node } from '../../graph/index.ts';
import { castTo, mul, once, product, reshape, sumLike, sumOver, sumTo, transposed } from './arithmetic.ts';
import type { GradientBuilder, GradientRule, GradientRules } from './rule.ts';

/** A tensor as a matrix: all axes but the last are rows. */
function asRows(g: GradientBuilder, x: Node): Node {
  const shape = g.shape(x);
  if (shape.length === 2) return x;
  return reshape(g, x, [shape.slice(0, -1).reduce((a, b) => a * b, 1), shape[shape.length - 1]]);
}

/** y = x Wᵀ + b */
const linear: GradientRule = ({ args, grad }, g) => {
  const factor = once(() => castTo(g, grad, g.dtype(args.tensor('weight'))));
  return {
    input: () => product(g, factor(), args.tensor('weight')),
    weight: () => product(g, transposed(g, asRows(g, factor())), asRows(g, args.tensor('input'))),
    bias: () => sumOver(g, asRows(g, grad), [0]),
  };
};

/** C = A B, with vectors as matrices of one row or column, and batches broadcast, as `torch.matmul` has it. */
const matmul: GradientRule = ({ args, grad }, g) => {
  const [a, b] = [args.tensor('self'), args.tensor('other')];
  const [left, right] = [g.shape(a), g.shape(b)];
  const rowOf = (x: Node) => reshape(g, x, [1, g.shape(x)[0]]);
  const columnOf = (x: Node) => reshape(g, x, [g.shape(x)[0], 1]);
  const [A, B] = [() => (left.length === 1 ? rowOf(a) : a), () => (right.length === 1 ? columnOf(b) : b)];
  const whole = () => {
    const shape = [...g.shape(grad)];
    if (right.length === 1) shape.push(1);
    if (left.length === 1) shape.splice(shape.length - 1, 0, 1);
    return reshape(g, grad, shape);
  };
  const fitted = (gradient: Node, shape: readonly number[], asMatrix: (length: number) => number[]) =>
    shape.length > 1 ? sumTo(g, gradient, shape) : reshape(g, sumTo(g, gradient, asMatrix(shape[0])), shape);
  return {
    self: () => fitted(product(g, whole(), transposed(g, B())), left, (length) => [1, length]),
    other: () => fitted(product(g, transposed(g, A()), whole()), right, (length) => [length, 1]),
  };
};

/** The same for matrices alone, or batches of them. */
const plain: GradientRule = ({ args, grad }, g) => ({
  self: () => product(g, grad, transposed(g, args.tensor('mat2'))),
  mat2: () => product(g, transposed(g, args.tensor('self')), grad),
});

/** beta * C + alpha * A B */
const added =
  (left: string, right: string): GradientRule =>
  ({ args, grad }, g) => {
    const [beta, alpha] = [args.number('beta'), args.number('alpha')];
    const scaled = (x: Node, factor: number) => (factor === 1 ? x : mul(g, x, factor));
    return {
      self: () => sumLike(g, scaled(grad, beta), args.tensor('self')),
      [left]: () => scaled(product(g, grad, transposed(g, args.tensor(right))), alpha),
      [right]: () => scaled(product(g, transposed(g, args.tensor(left)), grad), alpha),
    };
  };

/** Gradients of linear layers and products. */
export const productGradients: GradientRules = {
  'aten.linear.default': linear,
  'aten.matmul.default': matmul,
  'aten.mm.default': plain,
  'aten.bmm.default': plain,
  'aten.addmm.default': added('mat1', 'mat2'),
  'aten.baddbmm.default': added('batch1', 'batch2'),
};
