import type { Node } from '../../graph/index.ts';
import type { GradientRule, GradientRules } from './rule.ts';

/** Straight through: rounding counts as the identity, and what was clamped has none. */
const fakeQuantize: GradientRule = ({ args, grads: [grad], result }, g) => ({
  self: () => {
    if (!grad) throw new Error('nothing flows back through ranges and scales');
    return g.call(
      'octavo.fake_quantize_gradient.default',
      grad,
      args.tensor('self'),
      args.tensor('fake_quant_on'),
      g.item(result, 3),
      g.item(result, 4),
      args.number('quant_min'),
      args.number('quant_max'),
      args.number('ch_axis'),
    );
  },
});

/** The same by given parameters. */
const affineFakeQuantize: GradientRule = ({ args, grad }, g) => ({
  self: () =>
    g.call(
      'octavo.fake_quantize_gradient.default',
      ...[grad, args.tensor('self'), args.tensor('fake_quant_on')],
      ...[args.tensor('scale'), args.tensor('zero_point')],
      ...['quant_min', 'quant_max', 'ch_axis'].map((name) => args.number(name)),
    ),
});

/** Parameters are learned as what the call makes of them: an observer that is on replaces them, and has no gradient. */
const observeRange: GradientRule = ({ grads: [, , scale, zeroPoint] }) => ({
  ...(scale && { scale: () => scale }),
  ...(zeroPoint && { zero_point: () => zeroPoint }),
});

/** One call gives the gradients of the tensor and of its parameters: `names` are the call's other arguments. */
const learnable =
  (target: string, names: readonly string[]): GradientRule =>
  ({ args, grad }, g) => {
    let gradients: Node | undefined;
    const of = (index: number) => () => {
      const given = ['self', 'scale', 'zero_point', ...names].map((name) => args.raw(name) as Node | number);
      gradients ??= g.call(target, grad, ...given);
      return g.item(gradients, index);
    };
    return { self: of(0), scale: of(1), zero_point: of(2) };
  };

const LEARNED = 'aten._fake_quantize_learnable_per_';
const range = ['quant_min', 'quant_max'];

/** Gradients of simulated quantization. */
export const quantizationGradients: GradientRules = {
  'octavo.fake_quantize.default': fakeQuantize,
  'octavo.affine_fake_quantize.default': affineFakeQuantize,
  'octavo.observe_range.default': observeRange,
  'octavo.learnable_fake_quantize.default': learnable('octavo.learnable_fake_quantize_gradient.default', [
    ...['fake_quant_on', 'learning_on'],
    ...[...range, 'ch_axis', 'grad_factor'],
  ]),
  [`${LEARNED}tensor_affine.default`]: learnable(`${LEARNED}tensor_affine_backward.default`, [
    ...range,
    'grad_factor',
  ]),
  [`${LEARNED}channel_affine.default`]: learnable(`${LEARNED}channel_affine_backward.default`, [
    'axis',
    ...range,
    'grad_factor',
  ]),
};
