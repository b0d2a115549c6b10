import { describe, expect, it } from 'vitest';
import { numelOf, Tensor } from '../../lib/tensor/index.ts';
import { layouts, rounded, toBf16, valuesOf } from '../support/bfloat16-tensors.ts';
import { GraphBuilder, uniform } from '../support/graph-builder.ts';
import { build, checkAgainstInterpreter, execute } from '../support/run-plan.ts';
import { elementAt, forEachIndex, relativeError } from '../support/spatial.ts';
import { runStep } from '../support/steps.ts';

interface Problem {
  readonly input: readonly number[];
  /** `[O, C / groups, D, H, W]` */
  readonly weight: readonly number[];
  readonly stride: readonly number[];
  readonly padding: readonly number[];
  readonly dilation: readonly number[];
  readonly groups: number;
  readonly bias: boolean;
}

function outputShape({ input, weight, stride, padding, dilation }: Problem): number[] {
  const extents = stride.map((s, i) =>
    Math.floor((input[2 + i] + 2 * padding[i] - dilation[i] * (weight[2 + i] - 1) - 1) / s + 1),
  );
  return [input[0], weight[0], ...extents];
}

/** In float64. */
function reference(
  p: Problem,
  x: readonly number[],
  w: readonly number[],
  bias: readonly number[],
): number[] {
  const shape = outputShape(p);
  const result = new Array<number>(numelOf(shape));
  const perGroup = p.weight[0] / p.groups;
  const [, inputs, ...kernel] = p.weight;
  forEachIndex(shape, ([n, o, ...at], i) => {
    let sum = bias[o] ?? 0;
    for (let c = 0; c < inputs; c++)
      forEachIndex(kernel, (place, k) => {
        const from = at.map(
          (position, axis) => position * p.stride[axis] - p.padding[axis] + place[axis] * p.dilation[axis],
        );
        const channel = Math.floor(o / perGroup) * inputs + c;
        sum +=
          elementAt(x, { shape: p.input }, [n, channel, ...from]) * w[(o * inputs + c) * numelOf(kernel) + k];
      });
    result[i] = sum;
  });
  return result;
}

const problem = (
  input: readonly number[],
  weight: readonly number[],
  rest: Partial<Problem> = {},
): Problem => ({
  input,
  weight,
  ...{ stride: [1, 1, 1], padding: [0, 0, 0], dilation: [1, 1, 1], groups: 1, bias: true },
  ...rest,
});

const problems: readonly [string, Problem][] = [
  ['odd extents', problem([2, 3, 5, 6, 7], [5, 3, 3, 2, 3], { stride: [2, 1, 2], padding: [1, 0, 1] })],
  ['vectors of channels', problem([1, 16, 4, 6, 6], [24, 16, 3, 3, 3], { padding: [1, 1, 1] })],
  [
    'as many columns as a block has channels',
    problem([1, 8, 3, 4, 8], [8, 8, 3, 3, 3], { padding: [1, 1, 1] }),
  ],
  ['single places', problem([2, 7, 3, 4, 5], [9, 7, 1, 1, 1], { bias: false })],
  ['dilation', problem([1, 4, 7, 8, 6], [6, 4, 3, 3, 2], { dilation: [2, 3, 1], padding: [1, 2, 0] })],
  ['groups', problem([1, 6, 4, 5, 5], [9, 2, 2, 3, 3], { groups: 3, padding: [0, 1, 1] })],
  [
    'depthwise',
    problem([1, 8, 4, 6, 5], [8, 1, 3, 3, 3], { groups: 8, padding: [1, 1, 1], stride: [1, 2, 2] }),
  ],
  ['a patch of a video', problem([1, 3, 4, 16, 16], [32, 3, 2, 8, 8], { stride: [2, 8, 8] })],
];

const operands = (p: Problem, seed: number) => ({
  x: uniform(p.input, -1, 1, seed),
  w: uniform(p.weight, -1, 1, seed + 1),
  bias: p.bias ? uniform([p.weight[0]], -1, 1, seed + 2) : undefined,
});

const attributes = ({ stride, padding, dilation, groups, bias }: Problem) => ({
  ...{ stride, padding, dilation, groups },
  hasBias: bias,
});

describe('convolution of volumes', () => {
  describe.each(problems)('with %s', (_, p) => {
    it.each(Object.entries(layouts))('in float32, %s', (_, [layout, outputLayout]) => {
      const { x, w, bias } = operands(p, 11);
      const shape = outputShape(p);
      const { results, implementation } = runStep(
        { op: 'convolution', attributes: attributes(p) },
        [x, w, ...(bias ? [bias] : [])],
        [{ dtype: 'float32', shape }],
        (of) => (of.length === 1 ? [1] : layout(of)),
        outputLayout,
      );
      expect(implementation).not.toMatch(/ref/);
      const expected = reference(p, x.toArray(), w.toArray(), bias?.toArray() ?? []);
      // Sums of at most 432 products in float32.
      expect(relativeError(results[0].toArray(), expected)).toBeLessThan(1e-5);
    });

    it('in a plan as in the interpreter, and as in float64', () => {
      const { x, w, bias } = operands(p, 21);
      const b = new GraphBuilder();
      const [weight, shift] = [b.constant('w', w), bias ? b.constant('bias', bias) : null];
      const { stride, padding, dilation, groups } = p;
      const args = [b.input('x', p.input), weight, shift, stride, padding, dilation, groups];
      const module = b.finish(b.call('aten.relu.default', b.call('aten.conv3d.default', ...args)));
      for (const blocksChannels of [false, true]) checkAgainstInterpreter(module, blocksChannels);
      const expected = reference(p, x.toArray(), w.toArray(), bias?.toArray() ?? []).map((value) =>
        Math.max(value, 0),
      );
      expect(relativeError(execute(build(module), [x])[0].toArray(), expected)).toBeLessThan(1e-5);
    });

    it('in bfloat16, summed in float32', () => {
      const { x, w, bias } = operands(p, 31);
      const { results, implementation } = runStep(
        { op: 'convolution', attributes: attributes(p) },
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

  it('is for floats', () => {
    const of = (dtype: 'uint8' | 'int8', shape: readonly number[]) => Tensor.zeros(dtype, shape);
    const step = { op: 'convolution' as const, attributes: attributes(problem([], [], { bias: false })) };
    const tensors = [of('uint8', [1, 2, 3, 3, 3]), of('int8', [2, 2, 3, 3, 3])];
    expect(() => runStep(step, tensors, [{ dtype: 'float32', shape: [1, 2, 1, 1, 1] }])).toThrow(
      /volumes are convolved in float32 or bfloat16/,
    );
  });
});
