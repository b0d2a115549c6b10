import type { OperatorDefinition } from '../registry.ts';

/** By how much two tensors differ. */
export const differences: readonly OperatorDefinition[] = [
  {
    /**
     * In float64, for each index of the first extent: how many elements there are, Σ x², Σ y², Σ x y, Σ (x - y)², the largest |x - y|. Each tensor may be
     * integers with its own scale and zero point; others have scale 1 and zero point 0.
     */
    schema:
      'octavo::compare(Tensor x, float x_scale, int x_zero_point, Tensor y, float y_scale, int y_zero_point) -> Tensor',
    infer: (args) => {
      const [{ shape }, other] = [args.tensor('x'), args.tensor('y')];
      if (String(shape) !== String(other.shape))
        throw new Error(
          `octavo.compare: tensors of one shape expected, got [${shape.join(', ')}] and [${other.shape.join(', ')}]`,
        );
      return { dtype: 'float64', shape: [...shape.slice(0, 1), 6] };
    },
    samples: ['x', 'y'],
    step: (args) => ({
      op: 'compare',
      inputs: [args.tensor('x'), args.tensor('y')],
      attributes: {
        xScale: args.number('x_scale'),
        xZeroPoint: args.number('x_zero_point'),
        yScale: args.number('y_scale'),
        yZeroPoint: args.number('y_zero_point'),
      },
    }),
  },
];
