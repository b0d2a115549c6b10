import { describe, expect, it } from 'vitest';
import { operators } from '../../lib/aten/index.ts';
import { differentiate } from '../../lib/autograd/differentiate.ts';
import { Interpreter, propagateShapes } from '../../lib/graph/index.ts';
import { compile } from '../../lib/index.ts';
import { numelOf, Tensor } from '../../lib/tensor/index.ts';
import { GraphBuilder, random } from '../support/graph-builder.ts';
import { learnedScales, type OperatorGolden } from '../support/learned-scales.ts';
import { build, execute } from '../support/run-plan.ts';
import { relativeError } from '../support/spatial.ts';

type Problem = Omit<OperatorGolden, 'result' | 'gradients'>;

/** The operator's result and, as gradients of the sum of `grad` times it, those of tensor, scale and zero point. */
function graphOf({ shape, axis, range, factor, scale }: Problem) {
  const b = new GraphBuilder();
  const [x, s, z, grad] = [shape, [scale.length], [scale.length], shape].map((extents, i) =>
    b.input(`input_${i}`, extents),
  );
  const kind = axis === null ? 'tensor' : 'channel';
  const rest = [...(axis === null ? [] : [axis]), ...range, factor];
  const y = b.call(`aten._fake_quantize_learnable_per_${kind}_affine.default`, x, s, z, ...rest);
  const loss = b.call('aten.sum.default', b.call('aten.mul.Tensor', y, grad));
  b.graph.output([y]);
  const metas = [x, s, z, grad].map(({ meta }) => meta.val as { shape: readonly number[] });
  const zeros = metas.map((meta) => Tensor.zeros('float32', meta.shape));
  for (const [node, val] of propagateShapes(b.module, zeros, operators)) node.meta = { ...node.meta, val };
  const gradients = differentiate(b.module, loss, [x, s, z]);
  b.graph.outputNode.setArguments([[y, ...gradients.map((gradient) => gradient!)]]);
  b.graph.outputNode.meta.outputNames = ['y', 'x', 'scale', 'zero_point'];
  b.graph.eliminateDeadCode();
  return b.module;
}

function inputsOf({ shape, x, scale, zero_point: zero, grad }: Problem): readonly Tensor[] {
  const count = [scale.length];
  return (
    [
      [x, shape],
      [scale, count],
      [zero, count],
      [grad, shape],
    ] as const
  ).map(([values, extents]) => Tensor.from('float32', values, extents));
}

/** In the interpreter and in a plan. */
function checkEach(problem: Problem, check: (results: readonly (readonly number[])[]) => void): void {
  const module = graphOf(problem);
  const inputs = inputsOf(problem);
  const numbers = (tensors: readonly Tensor[]) => tensors.map((tensor) => tensor.toArray() as number[]);
  check(numbers(new Interpreter(module, operators).run(inputs)));
  check(numbers(execute(build(module), inputs)));
}

const nameOf = ({ shape, axis, range }: Problem) =>
  `[${shape.join(', ')}], ${axis === null ? 'per tensor' : `axis ${axis}`}, ${range.join('..')}`;

const positiveZero = (value: number) => value + 0;

describe("PyTorch's learned scales", () => {
  it.each(learnedScales.operators.map((each) => [nameOf(each), each] as const))('%s', (_, each) => {
    checkEach(each, ([result, ...gradients]) => {
      // The same float32 operations on each element.
      expect(result.map(positiveZero)).toEqual(each.result.map(positiveZero));
      expect(gradients[0].map(positiveZero)).toEqual(each.gradients[0].map(positiveZero));
      // PyTorch adds up in float32, at most a hundred terms: 1e-7 times the root of their number, and some cancel.
      for (const i of [1, 2]) expect(relativeError(gradients[i], each.gradients[i])).toBeLessThan(2e-6);
    });
  });
});

function problemOf(
  shape: readonly number[],
  axis: number | null,
  range: readonly [number, number],
  factor: number,
): Problem {
  const next = random(numelOf(shape));
  const [low, high] = range;
  const count = axis === null ? 1 : shape[axis];
  const list = (length: number, from: number, to: number) =>
    Array.from({ length }, () => Math.fround(from + (to - from) * next()));
  return {
    ...{ shape, axis, range, factor },
    x: list(numelOf(shape), -2, 2),
    grad: list(numelOf(shape), -1, 1),
    scale: list(count, 2 / (high - low), 4 / (high - low)),
    zero_point: list(count, low - 0.4, high + 0.4),
  };
}

/** Where each element stands in the list of scales. */
function channelsOf({ shape, axis, x }: Problem): readonly number[] {
  const inner = axis === null ? 1 : shape.slice(axis + 1).reduce((a, b) => a * b, 1);
  return x.map((_, i) => (axis === null ? 0 : Math.floor(i / inner) % shape[axis]));
}

/**
 * The derivatives by scale and zero point as central differences in float64 of the function that a straight-through gradient is the
 * exact one of: what rounding adds to each number, and whether it is clamped, is kept while scale and zero point move.
 */
function differences(problem: Problem): readonly (readonly number[])[] {
  const { range, x, grad, scale, zero_point: zero } = problem;
  const [low, high] = range;
  const clamp = (value: number) => Math.min(Math.max(value, low), high);
  const channels = channelsOf(problem);
  const whole = zero.map((z) => clamp(Math.round(z)));
  const places = x.map((value, i) => {
    const [real, zeroPoint] = [value / scale[channels[i]], whole[channels[i]]];
    const integer = Math.round(real) + zeroPoint;
    return { added: Math.round(real) - real, end: integer === clamp(integer) ? undefined : clamp(integer) };
  });
  const loss = (s: readonly number[], z: readonly number[]) =>
    x.reduce((sum, value, i) => {
      const c = channels[i];
      const integer = places[i].end ?? value / s[c] + places[i].added + z[c];
      return sum + grad[i] * (integer - z[c]) * s[c];
    }, 0);
  const by = (of: 'scale' | 'zero') =>
    scale.map((_, c) => {
      const step = 1e-6;
      const moved = (h: number) => {
        const change = (list: readonly number[]) => list.with(c, list[c] + h);
        return of === 'scale' ? loss(change(scale), whole) : loss(scale, change(whole));
      };
      return ((moved(step) - moved(-step)) / (2 * step)) * problem.factor;
    });
  return [by('scale'), by('zero')];
}

describe('gradients of learned scales, against central differences in float64', () => {
  const grid = (
    [
      ...[[1], [7], [64], [3, 5], [2, 3, 4, 5], [40_000]].map((shape) => [shape, null] as const),
      ...[
        [[1, 9], 0],
        [[9, 1], 0],
        [[5, 33], 0],
        [[5, 33], 1],
        [[4, 3, 3, 3], 0],
        [[4, 3, 3, 3], 1],
        [[2, 3, 4], 2],
        [[3, 40_000], 0],
      ].map(([shape, axis]) => [shape, axis] as const),
    ] as (readonly [readonly number[], number | null])[]
  ).flatMap(([shape, axis]) =>
    (
      [
        [0, 255],
        [-8, 7],
        [-4, 3],
      ] as const
    ).map((range) => problemOf(shape, axis, range, 0.5)),
  );

  it.each(grid.map((each) => [nameOf(each), each] as const))('%s', (_, each) => {
    const expected = differences(each);
    checkEach(each, ([, , ...gradients]) => {
      gradients.forEach((gradient, i) => {
        // float32 elements, added in float64: each rounds to 1e-7 of the terms, which are up to the range times the result's.
        expect(relativeError(gradient, expected[i])).toBeLessThan(1e-5);
      });
    });
  });
});

it.each<[readonly number[], number | null]>([
  [[200_000], null],
  [[7, 30_000], 0],
  [[5, 3, 9_000], 1],
])('%j along %s: the same sums with any number of threads', (shape, axis) => {
  const problem = problemOf(shape, axis, [-8, 7], 1);
  const results = [1, 2].map((threadsPerStream) => {
    using model = compile(graphOf(problem), { streams: 1, threadsPerStream });
    const inputs = inputsOf(problem).map((tensor, i) => [`input_${i}`, tensor] as const);
    const outputs = model.runSync(Object.fromEntries(inputs));
    return Object.values(outputs).map((tensor) => tensor.toArray());
  });
  expect(results[1]).toEqual(results[0]);
});

describe('errors', () => {
  const problem = problemOf([4, 6], 0, [-8, 7], 1);
  it.each<[string, Partial<Problem>, string]>([
    ['a scale of 0', { scale: [1, 0, 1, 1] }, 'of channel 1 they are 0.000000'],
    ['a negative scale', { scale: [1, 1, -0.5, 1] }, 'must be positive'],
    ['a scale that is none', { scale: [Number.NaN, 1, 1, 1] }, 'must be positive'],
    ['a zero point that is none', { zero_point: [0, 0, 0, Number.NaN] }, 'zero points numbers'],
    ['a range without zero', { range: [1, 7] }, 'must hold zero'],
    ['another number of scales', { scale: [1, 1, 1], zero_point: [0, 0, 0] }, 'float32[4] expected'],
    ['an axis that there is none of', { axis: 2 }, 'no axis 2'],
  ])('%s', (_, change, message) => {
    expect(() => checkEach({ ...problem, ...change }, () => undefined)).toThrow(message);
  });
});
