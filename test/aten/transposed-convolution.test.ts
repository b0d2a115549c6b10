import { describe, expect, it } from 'vitest';
import { operators } from '../../lib/aten/index.ts';
import { Arguments, type TensorMeta } from '../../lib/graph/index.ts';
import { numelOf, type Tensor } from '../../lib/tensor/index.ts';
import { layouts, rounded, toBf16, valuesOf } from '../support/bfloat16-tensors.ts';
import { GraphBuilder, uniform } from '../support/graph-builder.ts';
import { build, checkAgainstInterpreter, execute } from '../support/run-plan.ts';
import { forEachIndex, relativeError } from '../support/spatial.ts';
import { runStep } from '../support/steps.ts';

interface Problem {
  readonly input: readonly number[];
  /** `[C, O / groups, ...]` */
  readonly weight: readonly number[];
  readonly stride: readonly number[];
  readonly padding: readonly number[];
  readonly extra: readonly number[];
  readonly groups: number;
  readonly dilation: readonly number[];
  readonly bias: boolean;
}

function outputShape({ input, weight, stride, padding, extra, groups, dilation }: Problem): number[] {
  const extents = stride.map(
    (s, i) => (input[2 + i] - 1) * s - 2 * padding[i] + dilation[i] * (weight[2 + i] - 1) + extra[i] + 1,
  );
  return [input[0], weight[1] * groups, ...extents];
}

/** Every input element is spread over the output by the kernel, in float64. */
function reference(
  p: Problem,
  x: readonly number[],
  w: readonly number[],
  bias: readonly number[],
): number[] {
  const shape = outputShape(p);
  const [, channels, ...extents] = shape;
  const pixels = numelOf(extents);
  const result = Array.from(
    { length: numelOf(shape) },
    (_, i) => bias[Math.floor(i / pixels) % channels] ?? 0,
  );
  const perGroup = p.input[1] / p.groups;
  const kernel = p.weight.slice(2);
  forEachIndex(p.input, ([n, c, ...at], i) => {
    for (let o = 0; o < p.weight[1]; o++)
      forEachIndex(kernel, (place, k) => {
        const to = at.map(
          (position, axis) => position * p.stride[axis] - p.padding[axis] + place[axis] * p.dilation[axis],
        );
        if (to.some((position, axis) => position < 0 || position >= extents[axis])) return;
        const channel = Math.floor(c / perGroup) * p.weight[1] + o;
        const pixel = to.reduce((sum, position, axis) => sum * extents[axis] + position, 0);
        result[(n * channels + channel) * pixels + pixel] +=
          x[i] * w[(c * p.weight[1] + o) * numelOf(kernel) + k];
      });
  });
  return result;
}

const problem = (
  input: readonly number[],
  weight: readonly number[],
  rest: Partial<Problem> = {},
): Problem => {
  const axes = input.length - 2;
  const all = (value: number) => Array<number>(axes).fill(value);
  return {
    input,
    weight,
    stride: all(1),
    padding: all(0),
    extra: all(0),
    groups: 1,
    dilation: all(1),
    bias: true,
    ...rest,
  };
};

/** Odd extents and channels, every stride, padding, dilation and group that networks have, and ones that they do not. */
const problems: readonly [string, Problem][] = [
  ['a signal', problem([2, 5, 7], [5, 3, 4], { stride: [3], padding: [1], extra: [2] })],
  ['a signal in groups', problem([1, 6, 9], [6, 2, 3], { groups: 3, dilation: [2], bias: false })],
  ['a doubled image', problem([2, 7, 5, 6], [7, 5, 2, 2], { stride: [2, 2] })],
  [
    'kernel 4, stride 2, padding 1',
    problem([1, 19, 5, 7], [19, 11, 4, 4], { stride: [2, 2], padding: [1, 1] }),
  ],
  [
    'kernel 3, stride 2, output padding 1',
    problem([3, 16, 4, 3], [16, 8, 3, 3], { stride: [2, 2], padding: [1, 1], extra: [1, 1] }),
  ],
  ['stride 1', problem([1, 4, 6, 5], [4, 6, 3, 5], { padding: [1, 2] })],
  [
    'other strides than kernels',
    problem([1, 3, 4, 5], [3, 2, 2, 3], { stride: [3, 4], extra: [2, 1], bias: false }),
  ],
  [
    'dilation',
    problem([1, 3, 5, 4], [3, 4, 3, 2], { stride: [2, 1], dilation: [3, 2], padding: [2, 0], extra: [1, 1] }),
  ],
  ['groups', problem([2, 6, 4, 5], [6, 3, 3, 3], { stride: [2, 2], groups: 2, padding: [1, 1] })],
  ['depthwise', problem([2, 9, 5, 4], [9, 1, 4, 4], { stride: [2, 2], groups: 9, padding: [1, 1] })],
  ['one pixel', problem([3, 10, 1, 1], [10, 8, 4, 4])],
  ['one channel', problem([1, 1, 6, 6], [1, 1, 3, 3], { stride: [2, 2], padding: [1, 1], bias: false })],
  ['padding beyond the kernel', problem([1, 2, 9, 8], [2, 3, 3, 3], { stride: [2, 2], padding: [4, 3] })],
  [
    'a volume',
    problem([2, 4, 3, 4, 5], [4, 3, 3, 2, 3], { stride: [2, 1, 2], padding: [1, 0, 1], extra: [1, 0, 1] }),
  ],
  [
    'a volume in groups',
    problem([1, 4, 2, 3, 3], [4, 2, 2, 2, 2], { stride: [2, 2, 2], groups: 4, dilation: [1, 2, 1] }),
  ],
];

const operands = (p: Problem, seed: number) => ({
  x: uniform(p.input, -1, 1, seed),
  w: uniform(p.weight, -1, 1, seed + 1),
  bias: p.bias ? uniform([p.weight[1] * p.groups], -1, 1, seed + 2) : undefined,
});

const attributes = ({ stride, padding, dilation, groups, bias }: Problem) => ({
  ...{ stride, padding, dilation, groups },
  hasBias: bias,
});

describe('transposed convolution', () => {
  describe.each(problems)('of %s', (_, p) => {
    it.each(Object.entries(layouts))('in float32, %s', (_, [layout, outputLayout]) => {
      const { x, w, bias } = operands(p, 11);
      const step = { op: 'transposed_convolution' as const, attributes: attributes(p) };
      // The weight is a parameter: row-major in every plan.
      const shape = outputShape(p);
      const laidOut = (of: readonly number[]) =>
        of === x.shape || String(of) === String(shape) ? layout(of) : rowMajor(of);
      const { results, implementation } = runStep(
        step,
        [x, w, ...(bias ? [bias] : [])],
        [{ dtype: 'float32', shape }],
        laidOut,
        outputLayout,
      );
      expect(implementation).not.toMatch(/ref/);
      const expected = reference(p, x.toArray(), w.toArray(), bias?.toArray() ?? []);
      // Sums of at most 300 products in float32.
      expect(relativeError(results[0].toArray(), expected)).toBeLessThan(1e-5);
    });

    it('in a plan as in the interpreter, and as in float64', () => {
      const { x, w, bias } = operands(p, 21);
      const b = new GraphBuilder();
      const axes = p.stride.length;
      const name = axes === 1 ? 'aten.conv_transpose1d.default' : `aten.conv_transpose${axes}d.input`;
      const [weight, shift] = [b.constant('w', w), bias ? b.constant('bias', bias) : null];
      const node = b.call(
        name,
        b.input('x', p.input),
        weight,
        shift,
        p.stride,
        p.padding,
        p.extra,
        p.groups,
        p.dilation,
      );
      const module = b.finish(b.call('aten.relu.default', node));
      checkAgainstInterpreter(module);
      const expected = reference(p, x.toArray(), w.toArray(), bias?.toArray() ?? []).map((value) =>
        Math.max(value, 0),
      );
      expect(relativeError(execute(build(module), [x])[0].toArray(), expected)).toBeLessThan(1e-5);
    });

    it('in bfloat16, summed in float32', () => {
      const { x, w, bias } = operands(p, 31);
      const step = { op: 'transposed_convolution' as const, attributes: attributes(p) };
      const { results, implementation } = runStep(
        step,
        [toBf16(x), toBf16(w), ...(bias ? [bias] : [])],
        [{ dtype: 'bfloat16', shape: outputShape(p) }],
      );
      expect(implementation).not.toMatch(/ref/);
      const wide = (tensor: Tensor) => tensor.toArray().map(rounded);
      const expected = reference(p, wide(x), wide(w), bias?.toArray() ?? []);
      // One rounding to 8 bits of the result.
      for (const [i, value] of valuesOf(results[0]).entries())
        expect(Math.abs(value - expected[i])).toBeLessThanOrEqual(2 ** -8 * Math.abs(expected[i]) + 1e-4);
    });
  });

  const infer = (name: string, ...args: readonly unknown[]) => {
    const operator = operators.get(name);
    return (operator.infer(Arguments.bind<TensorMeta>(operator.schema, args)) as TensorMeta).shape;
  };
  const meta = (...shape: number[]): TensorMeta => ({ dtype: 'float32', shape });

  it('is aten.convolution with transposed=True, too', () => {
    const args = [meta(1, 4, 5, 6), meta(4, 3, 3, 3), null, [2, 2], [1, 1], [1, 1], true, [1, 0], 2];
    expect(infer('aten.convolution.default', ...args)).toEqual([1, 6, 10, 11]);
  });

  it.each<[string, readonly unknown[], RegExp]>([
    ['channels', [meta(1, 4, 8, 8), meta(3, 3, 3, 3)], /has 4 channels, but weight .* needs 3/],
    ['ranks', [meta(4, 8), meta(4, 3, 3, 3)], /must have 4 dimensions/],
    ['groups', [meta(1, 4, 8, 8), meta(4, 3, 3, 3), null, 1, 0, 0, 3], /3 groups do not divide 4 channels/],
    [
      'an output padding as large as the stride',
      [meta(1, 4, 8, 8), meta(4, 3, 3, 3), null, 2, 0, 2],
      /output_padding 2 must be less than/,
    ],
    [
      'a padding that leaves nothing',
      [meta(1, 4, 2, 2), meta(4, 3, 3, 3), null, 1, 5],
      /nothing of an extent of 2 is left/,
    ],
  ])('refuses %s', (_, args, message) => {
    expect(() => infer('aten.conv_transpose2d.input', ...args)).toThrow(message);
  });
});

const rowMajor = (shape: readonly number[]): number[] => shape.map((_, i) => numelOf(shape.slice(i + 1)));
