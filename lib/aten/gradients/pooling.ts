import type { Node } from '../../graph/index.ts';
import { windowOf } from '../layers/pooling.ts';
import { reshape } from './arithmetic.ts';
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

/** To the element of its channel that each maximum says it is. */
const maximumAt: GradientRule = ({ args, grads: [grad], result }, g) => ({
  self: () => {
    const shape = g.shape(args.tensor('self'));
    const [batch, channels] = shape;
    const flat = (node: Node) => reshape(g, node, [batch, channels, -1]);
    const places = shape.slice(2).reduce((a, b) => a * b, 1);
    const zeros = g.call(
      'aten.zeros_like.default',
      reshape(g, args.tensor('self'), [batch, channels, places]),
    );
    const given = g.call('aten.scatter_add.default', zeros, 2, flat(g.item(result, 1)), flat(grad!));
    return reshape(g, given, shape);
  },
});

/** Gradients of pooling. */
export const poolingRules: GradientRules = {
  'aten.max_pool1d.default': maximum,
  'aten.max_pool2d.default': maximum,
  'aten.avg_pool1d.default': average,
  'aten.avg_pool2d.default': average,
  'aten.adaptive_avg_pool1d.default': adaptive,
  'aten.adaptive_avg_pool2d.default': adaptive,
  ...Object.fromEntries(
    [1, 2, 3].flatMap((axes) => [
      [`aten.max_pool${axes}d_with_indices.default`, maximumAt],
      [`aten.adaptive_max_pool${axes}d.default`, maximumAt],
    ]),
  ),
};
