import { windowOf } from '../layers/pooling.ts';
import type { GradientRule, GradientRules } from './rule.ts';

const maximum: GradientRule = ({ args, grad, result }, g) => ({
  self: () => {
    const self = args.tensor('self');
    const { kernel, stride, padding, dilation } = windowOf(args);
    const window = [kernel, stride, padding, dilation].map((list) => [...list]);
    return g.call('octavo.max_pool_gradient.default', grad, self, result, g.shape(self), ...window);
  },
});

const average: GradientRule = ({ args, grad }, g) => ({
  self: () => {
    const { kernel, stride, padding } = windowOf(args);
    const hasDivisor = args.schema.arguments.some(({ name }) => name === 'divisor_override');
    return g.call(
      'octavo.avg_pool_gradient.default',
      grad,
      g.shape(args.tensor('self')),
      [...kernel],
      [...stride],
      [...padding],
      args.bool('count_include_pad'),
      hasDivisor ? args.optionalNumber('divisor_override') : null,
    );
  },
});

const adaptive: GradientRule = ({ args, grad }, g) => ({
  self: () => g.call('octavo.adaptive_avg_pool_gradient.default', grad, g.shape(args.tensor('self'))),
});

/** Gradients of pooling. */
export const poolingRules: GradientRules = {
  'aten.max_pool1d.default': maximum,
  'aten.max_pool2d.default': maximum,
  'aten.avg_pool1d.default': average,
  'aten.avg_pool2d.default': average,
  'aten.adaptive_avg_pool1d.default': adaptive,
  'aten.adaptive_avg_pool2d.default': adaptive,
};
