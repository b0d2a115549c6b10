import type { GraphModule, TensorMeta } from '../graph/index.ts';
import type { PlanDesc } from '../native/addon.ts';
import type { ConstantStore } from './constants.ts';
import { buildProgram } from './instructions.ts';
import { type KernelOf, withKernels } from './kernels.ts';
import { withInputRanges } from './ranges.ts';
import { withVaryingRows } from './rows.ts';
import { type Operand, scheduleProgram } from './schedule.ts';
import { assignStorage } from './storage.ts';
import { threadsFor } from './threads.ts';

export { type ConstantMemory, ConstantStore } from './constants.ts';
export { type Division, divideBatch, undivided } from './division.ts';
export { keepsSamplesApart } from './samples.ts';
export { steps } from './steps.ts';
export { bytesMoved, multiplyAdds } from './work.ts';

/** What was decided about a plan; estimated, or left to oneDNN, where it is left out. */
export interface PlanChoices {
  /** That share every step, as far as the stream has them. */
  readonly threads?: number | undefined;
  /** Threads that each compute a part of a request by themselves, where it has several. */
  readonly lanes?: number;
  readonly kernelOf?: KernelOf;
}

/** A graph's plan for one set of input shapes, and what it says about itself. */
export interface BuiltPlan {
  /** For the native executor. */
  readonly desc: PlanDesc;
  /** The operator each step computes; undefined for copies that the plan put in. */
  readonly targets: readonly (string | undefined)[];
  /** What each step gives. */
  readonly results: readonly Operand[];
  /** The least arena any plan with these steps could have, in bytes. */
  readonly arenaLowerBound: number;
}

/**
 * Builds a graph's plan for the given inputs: shapes and constants worked out, a memory order chosen for every value,
 * copies only where a step or a view needs another one, and a place in memory for each by lifetime.
 * @param inputs one numeric shape a placeholder.
 * @param blocksChannels whether float32 images may have their channels in blocks, which the CPU's oneDNN has to like
 * (`OneDnnVersion.prefersChannelBlocks`).
 * @param maxThreads of the stream that will run it; a plan of short steps uses fewer.
 * @throws Error that names the node that cannot be part of a plan.
 */
export function buildPlan(
  module: GraphModule,
  inputs: readonly TensorMeta[],
  constants: ConstantStore,
  blocksChannels: boolean,
  maxThreads: number,
  { threads: bestThreads, lanes = 1, kernelOf = () => undefined }: PlanChoices = {},
): BuiltPlan {
  const known = withVaryingRows(withInputRanges(buildProgram(module, inputs, constants)), module);
  const program = withKernels(known, kernelOf);
  const schedule = scheduleProgram(program, constants, blocksChannels);
  const { storage, arena } = assignStorage(program, schedule);
  const wanted = lanes > 1 ? 1 : (bestThreads ?? threadsFor(schedule.steps, maxThreads));
  const desc = { ...storage, threads: Math.min(wanted, maxThreads), lanes };
  return {
    desc,
    targets: schedule.steps.map(({ target }) => target),
    results: schedule.steps.map(({ result, outputs: [first] }) => result ?? first),
    arenaLowerBound: arena.lowerBound,
  };
}
