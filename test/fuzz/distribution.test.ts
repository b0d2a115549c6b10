import { expect, it } from 'vitest';
import { drawLayerProblem } from '../../fuzz/convolutions/draw.ts';
import type { LayerProblem } from '../../fuzz/convolutions/problem.ts';

const problems = Array.from({ length: 5000 }, (_, seed) => drawLayerProblem(seed));

/** Layers that oneDNN's kernels have computed wrongly, or not at all. */
const layers: readonly (readonly [name: string, is: (problem: LayerProblem) => boolean])[] = [
  [
    'dilated rows with much padding and a zero point',
    ({ variant, x, layer: { image, padding, dilation, stride } }) =>
      variant === 'int8' &&
      x.zeroPoint !== 0 &&
      image[0] === image[1] &&
      image[0] >= 7 &&
      image[0] <= 17 &&
      stride[0] === 1 &&
      padding[0] >= 4 &&
      [4, 6, 8].includes(dilation[0]),
  ],
  [
    'tall kernels with much padding and a zero point',
    ({ variant, x, layer: { kernel, padding, dilation } }) =>
      variant === 'int8' &&
      x.zeroPoint !== 0 &&
      kernel[0] > kernel[1] &&
      padding[0] >= 4 &&
      dilation[0] === 1,
  ],
  [
    'depthwise with an addend and channels that are no multiple of 8',
    ({ variant, addend, layer: { channels, groups } }) =>
      variant === 'int8' && addend !== undefined && groups === channels && groups > 1 && channels % 8 !== 0,
  ],
  [
    'depthwise with kernels of 4x2',
    ({ variant, layer: { channels, groups, kernel } }) =>
      variant === 'int8' && groups === channels && groups > 1 && kernel[0] === 4 && kernel[1] === 2,
  ],
  ...(['int8', 'bfloat16'] as const).map(
    (wanted) =>
      [
        `few channels in groups, then SiLU, sigmoid or GELU, in ${wanted}`,
        ({ variant, unary, layer: { channels, groups, kernel } }: LayerProblem) =>
          variant === wanted &&
          groups > 1 &&
          groups < channels &&
          channels / groups <= 8 &&
          kernel[0] === 3 &&
          ['swish', 'sigmoid', 'gelu'].includes(unary.name),
      ] as const,
  ),
  [
    'wide dilated kernels on narrow images',
    ({ variant, layer: { kernel, dilation, padding, image } }) =>
      variant === 'float32' && kernel[1] >= 8 && dilation[1] >= 2 && padding[1] >= 5 && image[1] <= 16,
  ],
  [
    'large kernels of few channels in groups',
    ({ variant, layer: { kernel, groups, channels } }) =>
      variant === 'float32' && groups > 1 && channels / groups <= 17 && kernel[0] * kernel[1] >= 49,
  ],
];

it.each(layers)('among random layers there are some with %s', (_, is) => {
  expect(problems.filter(is).length).toBeGreaterThanOrEqual(5);
});

it('a seed is always the same problem', () => {
  for (const seed of [0, 1, 2 ** 31, 123_456_789])
    expect(drawLayerProblem(seed)).toEqual(drawLayerProblem(seed));
});
