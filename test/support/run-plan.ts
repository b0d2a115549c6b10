import { expect } from 'vitest';
import { operators } from '../../lib/aten/index.ts';
import { type GraphModule, Interpreter } from '../../lib/graph/index.ts';
import { addon } from '../../lib/native/addon.ts';
import { type BuiltPlan, buildPlan, ConstantStore } from '../../lib/plan/index.ts';
import { arrayTypeOf, numelOf, Tensor } from '../../lib/tensor/index.ts';
import { uniform } from './graph-builder.ts';

/** Builds a plan for the inputs that the graph has. */
export function build(module: GraphModule, maxThreads = 1, blocksChannels = false): BuiltPlan {
  const metas = module.graph.placeholders.map(
    (node) => node.meta.val as { dtype: 'float32'; shape: number[] },
  );
  return buildPlan(module, {
    inputs: metas,
    constants: new ConstantStore(),
    machine: { blocksChannels, threads: maxThreads },
  });
}

/** Runs a plan, on one thread unless it is made for more. */
export function execute({ desc }: BuiltPlan, inputs: readonly Tensor[], threads = 1): Tensor[] {
  const executor = new addon.Executor({ streams: 1, threadsPerStream: threads, cpus: threads });
  try {
    const outputs = desc.outputs.map(
      ({ dtype, shape }) => new Tensor(dtype, new (arrayTypeOf(dtype))(numelOf(shape)), shape),
    );
    const plan = executor.compileSync(desc);
    const data = (tensors: readonly Tensor[]) => tensors.map((tensor) => tensor.data);
    // Twice: nothing of the first run may be left over in the second.
    executor.runSync(plan, data(inputs), data(outputs));
    executor.runSync(plan, data(inputs), data(outputs));
    return outputs;
  } finally {
    executor.dispose();
  }
}

/** Largest difference relative to the largest value. */
export function difference(actual: Tensor, expected: Tensor): number {
  expect(actual.dtype).toBe(expected.dtype);
  expect(actual.shape).toEqual(expected.shape);
  const [a, b] = [actual.toArray(), expected.toArray()];
  const scale = Math.max(1e-6, ...b.map(Math.abs));
  return Math.max(0, ...a.map((value, i) => Math.abs(value - b[i]) / scale));
}

/** The plan must give what the interpreter gives, which knows neither layouts nor an arena. */
export function checkAgainstInterpreter(module: GraphModule, blocksChannels = false): BuiltPlan {
  const inputs = module.graph.placeholders.map((node, i) =>
    uniform((node.meta.val as { dtype: 'float32'; shape: number[] }).shape, -1, 1, 100 + i),
  );
  const plan = build(module, 1, blocksChannels);
  const actual = execute(plan, inputs);
  const expected = new Interpreter(module, operators).run(inputs);
  expect(actual).toHaveLength(expected.length);
  actual.forEach((tensor, i) => {
    // Sums of floats in another order, as kernels for other layouts and thread counts have them, and a dozen layers that
    // each add their roundings to the last one's: up to 1e-4 of the largest value. What lies in the wrong place is off by
    // more than 1e-2.
    expect(difference(tensor, expected[i])).toBeLessThan(1e-4);
  });
  return plan;
}

/** The native step each step of a plan is. */
export const steps = ({ desc }: BuiltPlan) => desc.steps.map(({ op }) => op);
