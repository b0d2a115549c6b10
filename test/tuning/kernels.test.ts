import { describe, expect, it } from 'vitest';
import { propagateShapes } from '../../lib/graph/index.ts';
import {
  compile,
  type GraphModule,
  type KernelDecision,
  lower,
  operators,
  type Tensor,
} from '../../lib/index.ts';
import { untuned } from '../../lib/runtime/tuning.ts';
import { chooseKernels } from '../../lib/tuning/kernels.ts';
import { GraphBuilder, uniform } from '../lowering/graph-builder.ts';
import { difference } from '../lowering/run-plan.ts';

const shape = [2, 16, 14, 14];
const x = uniform(shape, -1, 1, 5);

/** A 3x3 and a 1x1 convolution of floats, for each of which oneDNN has several implementations on any CPU. */
function network(): GraphModule {
  const build = new GraphBuilder();
  const convolution = (input: Parameters<GraphBuilder['call']>[1], size: number, padding: number) =>
    build.call(
      'aten.conv2d.default',
      input,
      build.parameter('w', [16, 16, size, size]),
      null,
      [1, 1],
      [padding, padding],
    );
  const first = build.call('aten.relu.default', convolution(build.input('x', shape), 3, 1));
  const module = build.finish(convolution(first, 1, 0));
  propagateShapes(module, [{ dtype: 'float32', shape }], operators);
  return lower(module).module;
}

const module = network();

/** The convolutions' implementations, and the output. */
function run(kernels: readonly KernelDecision[], input: Tensor = x) {
  using model = compile(module, { threadsPerStream: 1, tuning: { ...untuned, kernels } });
  const steps = model.profile(input).filter(({ op }) => op === 'convolution');
  const [output] = Object.values(model.runSync(input));
  return { names: steps.map(({ implementation }) => implementation), steps, output };
}

const choose = (choice: string, shapes: readonly (readonly number[])[] = [shape]) =>
  run([]).steps.map(({ node }) => ({ shapes, node, choice, times: {} }));

describe('a kernel that a tuning names', () => {
  it('computes the step, and the same', () => {
    const standard = run([]);
    const second = run(choose('#1'));
    expect(second.names[0]).not.toBe(standard.names[0]);
    expect(second.names[1]).not.toBe(standard.names[1]);
    // Sums of 144 products of up to 1 in another order.
    expect(difference(second.output, standard.output)).toBeLessThan(1e-5);
    // By its name, once it has been made before: what oneDNN caches must not stand in for it.
    const named = run([{ ...choose('')[0], choice: second.names[0] }]);
    expect(named.names).toEqual([second.names[0], standard.names[1]]);
  });

  it.each([
    ['there is no such kernel', () => choose('jit:avx1024')],
    ['there are not so many', () => choose('#9')],
    ['the inputs have other shapes', () => choose('#1', [[1, 16, 14, 14]])],
  ])('is left to oneDNN where %s', (_, kernels) => {
    expect(run(kernels()).names).toEqual(run([]).names);
  });
});

it('chooseKernels: each decision is for a convolution that it changes, and times both', () => {
  const decisions = chooseKernels(module, x, { threadsPerStream: 1 }, untuned);
  const standard = run([]);
  const tuned = run(decisions);
  for (const { node, choice, times, shapes } of decisions) {
    const at = tuned.steps.findIndex((step) => step.node === node);
    expect(shapes).toEqual([shape]);
    expect(tuned.names[at]).toBe(choice);
    expect(Object.keys(times)).toEqual(expect.arrayContaining([standard.names[at], choice]));
  }
  expect(difference(tuned.output, standard.output)).toBeLessThan(1e-5);
});
