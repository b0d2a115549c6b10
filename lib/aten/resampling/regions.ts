import type { Arguments, Dim, TensorMeta } from '../../graph/index.ts';
import { dimsEqual } from '../../graph/index.ts';
import type { OperatorDefinition, TensorLike } from '../registry.ts';

function checkShape(args: Arguments<TensorMeta>): readonly Dim[] {
  const { name } = args.schema;
  const [input, regions, images] = ['input', 'regions', 'images'].map((each) => args.tensor(each));
  const [count, corners] = regions.shape;
  const shapes = [input, regions, images].map(({ dtype, shape }) => `${dtype}[${shape.join(', ')}]`);
  const fits =
    input.shape.length === 4 &&
    input.dtype === 'float32' &&
    regions.shape.length === 2 &&
    corners === 4 &&
    regions.dtype === 'float32' &&
    images.shape.length === 1 &&
    dimsEqual(images.shape[0], count);
  if (!fits)
    throw new Error(
      `${name}: images float32[N, C, H, W] need regions float32[K, 4] and a number of an image for each, int64[K]; got ${shapes.join(', ')}`,
    );
  const size = ['height', 'width'].map((what) => args.number(what));
  if (size.some((extent) => extent < 1))
    throw new Error(`${name}: height and width must be at least 1, got ${size.join(' and ')}`);
  return [count, input.shape[1], ...size];
}

/** Parts of images under one size, whatever size they have. */
export const regions: readonly OperatorDefinition[] = [
  {
    /**
     * RoIAlign: each region (x, y, x, y, in pixels after `scale`) of its image, as `height` by `width` averages of `samples`
     * places an axis; with 0, as many as pixels are in a bin. `aligned`: pixels are points in the middle of squares.
     */
    schema:
      'octavo::roi_align(Tensor input, Tensor regions, Tensor images, float scale, int height, int width, int samples, bool aligned) -> Tensor',
    infer: (args) => ({ dtype: 'float32', shape: checkShape(args) }),
    samples: ['regions', 'images'],
    step: <T extends TensorLike>(args: Arguments<T>) => ({
      op: 'roi_align',
      inputs: ['input', 'regions', 'images'].map((name) => args.tensor(name)),
      attributes: {
        scale: args.number('scale'),
        samplesPerAxis: args.number('samples'),
        aligned: args.bool('aligned'),
      },
    }),
  },
];
