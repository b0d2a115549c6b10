import { bindInputs, type GraphModule } from '../graph/index.ts';
import { addon } from '../native/addon.ts';
import {
  type CompileOptions,
  compile,
  type KernelDecision,
  type ModelInputs,
  type Tuning,
} from '../runtime/index.ts';
import { agree } from './agreement.ts';
import { chooseKernels, type KernelTimes } from './choose.ts';
import { raceEachStep } from './race.ts';

/**
 * Octavo's kernels for CPUs without VNNI, and the second to fourth that oneDNN offers. On other CPUs the former name takes
 * oneDNN's first, in place of the kernels that Octavo has for VNNI and AMX. Names of oneDNN's are known only when a plan is
 * compiled, so a rank stands in place of the name ("#1": the second). A rank in a field of its own would have to be carried
 * next to the name through six places between here and oneDNN (decisions.ts, planner.ts, plan/kernels.ts and three native
 * ones); telling the two apart takes one line of native/onednn/kernel_choice.cc.
 */
const candidates = ['octavo:exact', '#1', '#2', '#3'] as const;

/**
 * Chooses among the implementations of each convolution: all convolutions with a second implementation switch to it
 * together, and every step is timed separately. Kernels that compute different results are rejected.
 * @param tuning the decisions so far.
 */
export function bestKernels(
  module: GraphModule,
  inputs: ModelInputs,
  options: CompileOptions,
  tuning: Tuning,
): readonly KernelDecision[] {
  using untuned = compile(module, options);
  const shapes = bindInputs(untuned.inputs, inputs, untuned.rangeConstraints).map(({ shape }) => shape);
  const where = { shapes, isa: addon.oneDnnVersion().isa };
  return chooseKernels(where, candidates, (decisions, candidate): readonly KernelTimes[] => {
    using current = compile(module, { ...options, tuning: { ...tuning, kernels: decisions } });
    const steps = current.profile(inputs);
    const kernels = steps.map(({ node }) => ({ ...where, node, choice: candidate, times: {} }));
    using challenger = compile(module, { ...options, tuning: { ...tuning, kernels } });
    const others = challenger.profile(inputs);
    if (steps.every(({ implementation }, i) => implementation === others[i].implementation)) return [];
    if (!agree(current.runSync(inputs), challenger.runSync(inputs))) return [];
    return raceEachStep(current, challenger, inputs).map((paired, i) => {
      return { node: steps[i].node, names: [steps[i].implementation, others[i].implementation], paired };
    });
  });
}
