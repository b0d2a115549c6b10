import { describe, expect, it } from 'vitest';
import { type Node, propagateShapes } from '../../lib/graph/index.ts';
import { compile, type GraphModule, type KernelDecision, lower, operators, Tensor } from '../../lib/index.ts';
import { addon } from '../../lib/native/addon.ts';
import { untuned } from '../../lib/runtime/decisions.ts';
import { agree } from '../../lib/tuning/agreement.ts';
import { bestKernels } from '../../lib/tuning/kernels.ts';
import { GraphBuilder, uniform } from '../support/graph-builder.ts';
import { difference } from '../support/run-plan.ts';

const shape = [2, 12, 14, 14];
const x = uniform(shape, -1, 1, 5);

/**
 * A 3x3 and a 1x1 convolution of floats, for each of which oneDNN has several implementations on any CPU. 12 channels make
 * no blocks, for which it may have but one.
 */
function network(groups: number): GraphModule {
  const build = new GraphBuilder();
  const convolution = (input: Node, size: number, padding: number) => {
    const weight = build.parameter('w', [12, 12 / groups, size, size]);
    const around = [padding, padding];
    return build.call('aten.conv2d.default', input, weight, null, [1, 1], around, [1, 1], groups);
  };
  const first = build.call('aten.relu.default', convolution(build.input('x', shape), 3, 1));
  const module = build.finish(convolution(first, 1, 0));
  propagateShapes(module, [{ dtype: 'float32', shape }], operators);
  return lower(module).module;
}

const module = network(1);
/** oneDNN is slow at these groups: they are merged. */
const grouped = network(6);

/** The convolutions' implementations, and the output. */
function run(kernels: readonly KernelDecision[], graph = module) {
  using model = compile(graph, { threadsPerStream: 1, tuning: { ...untuned, kernels } });
  const steps = model.profile(x).filter(({ op }) => op === 'convolution');
  const [output] = Object.values(model.runSync(x));
  return { names: steps.map(({ implementation }) => implementation), steps, output };
}

const { isa } = addon.oneDnnVersion();
const choose = (choice: string, where: Partial<KernelDecision> = {}, graph = module): KernelDecision[] =>
  run([], graph).steps.map(({ node }) => ({ shapes: [shape], isa, node, choice, times: {}, ...where }));

describe('a kernel that a tuning names', () => {
  it('computes the step, and the same', () => {
    const standard = run([]);
    const second = run(choose('#1'));
    expect(second.names[0]).not.toBe(standard.names[0]);
    expect(second.names[1]).not.toBe(standard.names[1]);
    // Sums of 108 products of up to 1 in another order.
    expect(difference(second.output, standard.output)).toBeLessThan(1e-5);
    // By its name, once it has been made before: what oneDNN caches must not stand in for it.
    const named = run([{ ...choose('')[0], choice: second.names[0] }]);
    expect(named.names).toEqual([second.names[0], standard.names[1]]);
  });

  it.each([
    ['there is no such kernel', () => choose('jit:avx1024'), module],
    ['there is no such kernel for groups', () => choose('jit:avx1024', {}, grouped), grouped],
    ['there are not so many', () => choose('#9'), module],
    ['the inputs have other shapes', () => choose('#1', { shapes: [[1, 12, 14, 14]] }), module],
    ['it was measured on another CPU', () => choose('#1', { isa: 'sse2' }), module],
  ])('changes nothing where %s', (_, kernels, graph) => {
    expect(run(kernels(), graph).names).toEqual(run([], graph).names);
  });
});

it('bestKernels: each decision is for a convolution that it changes, and times both', () => {
  const decisions = bestKernels(module, x, { threadsPerStream: 1 }, untuned);
  const standard = run([]);
  const tuned = run(decisions);
  for (const { node, choice, times, ...where } of decisions) {
    const at = tuned.steps.findIndex((step) => step.node === node);
    expect(where).toEqual({ shapes: [shape], isa });
    expect(tuned.names[at]).toBe(choice);
    expect(Object.keys(times)).toEqual(expect.arrayContaining([standard.names[at], choice]));
  }
  expect(difference(tuned.output, standard.output)).toBeLessThan(1e-5);
});

it('outputs agree up to rounding', () => {
  const expected = { y: uniform([1000], -3, 3, 1) };
  const off = (by: number) => ({
    y: Tensor.from(
      'float32',
      expected.y.toArray().map((value, i) => value + (i % 2 === 0 ? by : -by)),
    ),
  });
  // Values spread evenly over -3..3 have a root mean square of 1.73.
  expect([0, 0.01, 0.16].map((by) => agree(expected, off(by)))).toEqual([true, true, true]);
  expect([0.19, 3, Number.NaN].map((by) => agree(expected, off(by)))).toEqual([false, false, false]);
});
