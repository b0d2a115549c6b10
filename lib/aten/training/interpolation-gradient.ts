import type { Arguments } from '../../graph/index.ts';
import type { OperatorDefinition } from '../registry.ts';
import { type MethodName, methods } from '../resampling/methods.ts';
import { tapsAttributes, transposedTaps } from '../resampling/taps.ts';

function methodOf(args: Arguments<unknown>): MethodName {
  const method = args.string('method');
  if (!Object.hasOwn(methods, method))
    throw new Error(
      `${args.schema.name}: method must be one of ${Object.keys(methods).join(', ')}, got '${method}'`,
    );
  return method as MethodName;
}

/**
 * The gradient of interpolated images [N, C, ...] (counterpart: `upsample_bilinear2d_backward` and its family). `factors` are those
 * that the call names, null where it names a size.
 */
export const interpolationGradients: readonly OperatorDefinition[] = [
  {
    schema:
      'octavo::interpolation_gradient(Tensor grad, SymInt[] input_size, str method, bool align_corners, Scalar?[] factors) -> Tensor',
    infer: (args) => {
      const { dtype, shape } = args.tensor('grad');
      const size = args.dims('input_size');
      methodOf(args);
      if (dtype !== 'float32')
        throw new Error(`${args.schema.name}: gradients are computed in float32, got ${dtype}`);
      if (size.length !== shape.length || size[0] !== shape[0] || size[1] !== shape[1])
        throw new Error(
          `${args.schema.name}: the gradient [${shape.join(', ')}] is not that of images [${size.join(', ')}]`,
        );
      return { dtype, shape: size };
    },
    step: (args) => {
      const grad = args.tensor('grad');
      const factors = args.raw('factors') as readonly (number | null)[];
      const passes = args.numbers('input_size').flatMap((from, at) => {
        if (at < 2) return [];
        const axis = { from, to: grad.shape[at], factor: factors[at - 2] ?? undefined };
        const taps = methods[methodOf(args)](axis, at, args.bool('align_corners'));
        return [tapsAttributes(transposedTaps(taps, from))];
      });
      return { op: 'resample', inputs: [grad], attributes: { passes } };
    },
  },
];
