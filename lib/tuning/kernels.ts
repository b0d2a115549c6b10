import type { GraphModule } from '../graph/index.ts';
import {
  type CompileOptions,
  compile,
  type KernelDecision,
  type ModelInputs,
  type Tuning,
} from '../runtime/index.ts';
import { bindInputs } from '../runtime/signature.ts';
import type { Tensor } from '../tensor/index.ts';
import { isFaster, median } from './paired-times.ts';
import { raceEachStep } from './race.ts';

/** Kernels of ours for CPUs without VNNI, and the second to fourth that oneDNN offers. */
const candidates = ['octavo:exact', '#1', '#2', '#3'] as const;

/**
 * How far outputs may be apart, relative to their size (root mean square): kernels round ties differently, which layers of
 * 8-bit integers behind them turn into about 0.01. A kernel with a fault is off by as much as the outputs are large.
 */
const tolerance = 0.1;

/**
 * Chooses among the implementations that there are for each convolution: all that have a second one change to it at once,
 * and every step is timed for itself.
 * @param tuning what has been decided before.
 */
export function chooseKernels(
  module: GraphModule,
  inputs: ModelInputs,
  options: CompileOptions,
  tuning: Tuning,
): KernelDecision[] {
  const chosen = new Map<string, KernelDecision>();
  for (const candidate of candidates) {
    using current = compile(module, { ...options, tuning: { ...tuning, kernels: [...chosen.values()] } });
    const shapes = bindInputs(current.inputs, inputs).map(({ shape }) => shape);
    const steps = current.profile(inputs);
    const kernels = steps.map(({ node }) => ({ shapes, node, choice: candidate, times: {} }));
    using challenger = compile(module, { ...options, tuning: { ...tuning, kernels } });
    const others = challenger.profile(inputs);
    if (steps.every(({ implementation }, i) => implementation === others[i].implementation)) continue;
    if (!agree(current.runSync(inputs), challenger.runSync(inputs))) continue;
    for (const [i, paired] of raceEachStep(current, challenger, inputs).entries()) {
      const { node, implementation } = steps[i];
      const choice = others[i].implementation;
      if (choice === implementation || !isFaster(paired)) continue;
      const times = { ...chosen.get(node)?.times };
      times[implementation] ??= median(paired.current);
      times[choice] = median(paired.challenger);
      chosen.set(node, { shapes, node, choice, times });
    }
  }
  return [...chosen.values()];
}

function agree(a: Readonly<Record<string, Tensor>>, b: Readonly<Record<string, Tensor>>): boolean {
  return Object.keys(a).every((name) => {
    const [expected, actual] = [a[name].toArray(), b[name].toArray()];
    const squares = (values: readonly number[]) => values.reduce((sum, value) => sum + value * value, 0);
    return squares(expected.map((value, i) => value - actual[i])) <= tolerance ** 2 * squares(expected);
  });
}
