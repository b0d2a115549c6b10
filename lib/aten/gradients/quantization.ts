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

/** Gradients of simulated quantization. */
export const quantizationGradients: GradientRules = { 'octavo.fake_quantize.default': fakeQuantize };
