import { imagesOf, interpolationMethods, targetOf } from '../resampling/interpolation.ts';
import type { GradientRule, GradientRules } from './rule.ts';

const interpolated =
  (method: string): GradientRule =>
  ({ args, grad }, g) => {
    const name = imagesOf(args);
    return {
      [name]: () => {
        const shape = g.shape(args.tensor(name));
        const aligns = args.schema.arguments.some((argument) => argument.name === 'align_corners');
        return g.call(
          'octavo.interpolation_gradient.default',
          grad,
          shape,
          method,
          aligns && args.bool('align_corners'),
          targetOf(args, shape).factors.map((factor) => factor ?? null),
        );
      },
    };
  };

/** Gradients of interpolation. */
export const interpolationRules: GradientRules = Object.fromEntries(
  [...interpolationMethods].map(([name, method]) => [name, interpolated(method)]),
);
