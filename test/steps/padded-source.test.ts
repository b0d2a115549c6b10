import { describe, expect, it } from 'vitest';
import { addon } from '../../lib/native/addon.ts';
import { rowMajorStrides } from '../../lib/tensor/index.ts';
import { sizeOf } from '../support/layers.ts';
import { convolutionSums, seeded } from '../support/reference.ts';

interface Problem {
  readonly name: string;
  readonly x: readonly number[];
  readonly weight: readonly number[];
  readonly groups: number;
  readonly stride: readonly number[];
  readonly padding: readonly number[];
  readonly paddingEnd?: readonly number[];
  readonly dilation: readonly number[];
}

// As they are given, oneDNN has nothing but its reference kernel for some of these.
const problems: readonly Problem[] = [
  {
    name: 'two channels a group',
    x: [1, 8, 9, 16],
    weight: [4, 2, 9, 11],
    groups: 4,
    stride: [2, 1],
    padding: [10, 8],
    dilation: [2, 1],
  },
  {
    name: 'depthwise',
    x: [2, 2, 6, 8],
    weight: [2, 1, 9, 10],
    groups: 2,
    stride: [1, 2],
    padding: [11, 9],
    dilation: [2, 1],
  },
  {
    name: 'dilated both ways',
    x: [1, 4, 2, 15],
    weight: [4, 1, 8, 9],
    groups: 4,
    stride: [1, 1],
    padding: [9, 8],
    paddingEnd: [10, 7],
    dilation: [2, 2],
  },
];

type Layout = (shape: readonly number[]) => readonly number[];
const channelsLast: Layout = ([, c, h, w]) => [c * h * w, 1, w * c, c];

describe('float32 convolutions whose padding leaves oneDNN a reference kernel', () => {
  it.each(
    problems.flatMap((p) => [
      { ...p, layout: channelsLast },
      { ...p, layout: rowMajorStrides },
    ]),
  )('$name, $layout.name', ({ layout, ...p }) => {
    const random = seeded(7);
    const values = (shape: readonly number[]) =>
      Float32Array.from({ length: sizeOf(shape) }, () => 2 * random() - 1);
    const [x, weight] = [values(p.x), values(p.weight)];
    const paddingEnd = p.paddingEnd ?? p.padding;
    const { sums, shape } = convolutionSums({
      ...p,
      paddingEnd,
      x,
      xShape: p.x,
      xZeroPoint: 0,
      weight,
      weightShape: p.weight,
    });
    const [from, to] = [layout(p.x), layout(shape)];
    // Where the element at a row-major index is under other strides.
    const place = (index: number, extents: readonly number[], strides: readonly number[]) =>
      rowMajorStrides(extents).reduce(
        (at, step, axis) => at + (Math.floor(index / step) % extents[axis]) * strides[axis],
        0,
      );
    const given = new Float32Array(x.length);
    for (let i = 0; i < x.length; i++) given[place(i, p.x, from)] = x[i];
    const result = new Float32Array(sums.length);
    const name = addon.execute(
      {
        op: 'convolution',
        node: 'conv',
        attributes: {
          stride: p.stride,
          padding: p.padding,
          paddingEnd,
          dilation: p.dilation,
          groups: p.groups,
        },
      },
      [
        { dtype: 'float32', shape: p.x, strides: from, data: given },
        {
          dtype: 'float32',
          shape: p.weight,
          data: addon.createConstant('float32', p.weight, weight),
        },
      ],
      [{ dtype: 'float32', shape, strides: to, data: result }],
    );
    expect(name).not.toContain('ref');
    // Sums of at most 198 products below 1, in another order: each rounding is off by half a unit in the last place.
    for (let i = 0; i < sums.length; i++)
      expect(Math.abs(result[place(i, shape, to)] - sums[i])).toBeLessThan(198 * 2 ** -22);
  });
});
