import type { Node } from '../../graph/index.ts';
import { and, div, mul, neg, oneMinus, or, sub, sumLike, where, whereNot } from './arithmetic.ts';
import { ofOperands } from './operands.ts';
import type { GradientBuilder, GradientRule, GradientRules } from './rule.ts';

const filled: GradientRule = (call, g) => {
  const mask = call.args.tensor('mask');
  return ofOperands(call, g, {
    self: () => whereNot(g, mask, call.grad),
    value: () => where(g, mask, call.grad),
  });
};

const filledByNumber: GradientRule = ({ args, grad }, g) => ({
  self: () => sumLike(g, whereNot(g, args.tensor('mask'), grad), args.tensor('self')),
});

const chosen: GradientRule = (call, g) => {
  const condition = call.args.tensor('condition');
  return ofOperands(call, g, {
    self: () => where(g, condition, call.grad),
    other: () => whereNot(g, condition, call.grad),
  });
};

const isBeyond = (g: GradientBuilder, how: 'ge' | 'gt' | 'le' | 'lt', x: Node, bound: Node): Node =>
  g.call(`aten.${how}.Tensor`, x, bound);

/** A bound has the gradient where it is the result; at the bounds it passes to the tensor, as in PyTorch. */
const clamp: GradientRule = (call, g) => {
  const { args, grad } = call;
  const x = args.tensor('self');
  const [min, max] = [args.optionalTensor('min'), args.optionalTensor('max')];
  const all = (conditions: readonly Node[]) => conditions.reduce((one, other) => and(g, one, other));
  return ofOperands(call, g, {
    self: () => {
      const above = min ? [isBeyond(g, 'ge', x, min)] : [];
      return where(g, all([...above, ...(max ? [isBeyond(g, 'le', x, max)] : [])]), grad);
    },
    min: () => {
      const isLower = isBeyond(g, 'lt', x, args.tensor('min'));
      return where(g, max ? and(g, isLower, isBeyond(g, 'lt', args.tensor('min'), max)) : isLower, grad);
    },
    max: () => {
      const isHigher = isBeyond(g, 'gt', x, args.tensor('max'));
      return where(g, min ? or(g, isHigher, isBeyond(g, 'lt', args.tensor('max'), min)) : isHigher, grad);
    },
  });
};

/** The same for one bound. */
const clampTo =
  (bound: 'min' | 'max'): GradientRule =>
  (call, g) => {
    const [x, other] = [call.args.tensor('self'), call.args.tensor(bound)];
    const [inside, outside] = bound === 'min' ? (['ge', 'lt'] as const) : (['le', 'gt'] as const);
    return ofOperands(call, g, {
      self: () => where(g, isBeyond(g, inside, x, other), call.grad),
      [bound]: () => where(g, isBeyond(g, outside, x, other), call.grad),
    });
  };

const mixed: GradientRule = (call, g) => {
  const { args, grad } = call;
  const weight = args.raw('weight') as Node | number;
  return ofOperands(call, g, {
    self: () => mul(g, grad, typeof weight === 'number' ? 1 - weight : oneMinus(g, weight)),
    end: () => mul(g, grad, weight),
    weight: () => mul(g, grad, sub(g, args.tensor('end'), args.tensor('self'))),
  });
};

/** Gradients of functions of three tensors, and of what chooses between tensors. */
export const choiceGradients: GradientRules = {
  'aten.where.self': chosen,
  'aten.where.ScalarOther': chosen,
  'aten.where.ScalarSelf': chosen,
  'aten.masked_fill.Scalar': filledByNumber,
  'aten.masked_fill.Tensor': filled,
  'aten.fill.Tensor': (call, g) => ofOperands(call, g, { value: () => call.grad }),
  'aten.clamp.Tensor': clamp,
  'aten.clip.Tensor': clamp,
  'aten.clamp_min.Tensor': clampTo('min'),
  'aten.clamp_max.Tensor': clampTo('max'),
  'aten.lerp.Scalar': mixed,
  'aten.lerp.Tensor': mixed,
  'aten.addcmul.default': (call, g) => {
    const { args, grad } = call;
    const value = args.number('value');
    return ofOperands(call, g, {
      self: () => grad,
      tensor1: () => mul(g, grad, args.tensor('tensor2'), value),
      tensor2: () => mul(g, grad, args.tensor('tensor1'), value),
    });
  },
  'aten.addcdiv.default': (call, g) => {
    const { args, grad } = call;
    const value = args.number('value');
    const [above, below] = [args.tensor('tensor1'), args.tensor('tensor2')];
    return ofOperands(call, g, {
      self: () => grad,
      tensor1: () => mul(g, div(g, grad, below), value),
      tensor2: () => neg(g, mul(g, grad, div(g, above, mul(g, below, below)), value)),
    });
  },
};
