import type { GraphModule, TensorMeta } from '../graph/index.ts';
import type { PlanDesc } from '../native/addon-types.ts';
import type { ConstantStore } from './constants.ts';
import { buildProgram } from './instructions.ts';
import { type KernelOf, withKernels } from './kernels.ts';
import { withInputRanges } from './ranges.ts';
import { withVaryingRows } from './rows.ts';
import { type Operand, scheduleProgram } from './schedule.ts';
import { withSharedAttributes } from './shared-attributes.ts';
import { assignStorage } from './storage.ts';
import { threadsFor } from './threads.ts';

export { type ConstantMemory, ConstantStore } from './constants.ts';
export { type Division, divideBatch, undivided } from './division.ts';
export { sumsExactly } from './exact-sums.ts';
export { keepsSamplesApart } from './samples.ts';
export { divideIntoStages, type Stage, type Stages } from './stages.ts';
export { steps } from './steps.ts';
export { bytesMoved, multiplyAdds } from './work.ts';

/** Decisions about a plan. Absent ones are estimated, or left to oneDNN. */
export interface PlanChoices {
  /** Threads that share every step, at most those of the stream. */
  readonly threads?: number | undefined;
  /** Threads that each compute a part of a request by themselves, if it has several. */
  readonly lanes?: number;
  readonly kernelOf?: KernelOf;
}

/** What a plan is built for. */
export interface PlanTarget {
  /** One numeric shape for each placeholder. */
  readonly inputs: readonly TensorMeta[];
  /** Weights, shared by the plans of one model. */
  readonly constants: ConstantStore;
  readonly machine: PlanMachine;
  readonly choices?: PlanChoices;
}

/** What a plan has to know of the machine that will run it. */
export interface PlanMachine {
  /**
   * Whether float32 images may have their channels in blocks, if the CPU's oneDNN prefers them
   * (`OneDnnVersion.prefersChannelBlocks`).
   */
  readonly blocksChannels: boolean;
  /** Threads of the stream that will run the plan; a plan of short steps uses fewer. */
  readonly threads: number;
}

/** A graph's plan for one set of input shapes, and its description. */
export interface BuiltPlan {
  /** For the native executor. */
  readonly desc: PlanDesc;
  /** The operator that each step computes; undefined for copies that the plan added. */
  readonly targets: readonly (string | undefined)[];
  /** Each step's first result. */
  readonly results: readonly Operand[];
  /** The smallest arena that a plan with these steps could have, in bytes. */
  readonly arenaLowerBound: number;
}

/**
 * Builds a graph's plan for the given inputs: it evaluates shapes and constants, chooses a memory order for every
 * value, adds copies only where a step or a view needs another one, and places each value in memory by its lifetime.
 * @throws Error that names the node that cannot be part of a plan.
 */
export function buildPlan(
  module: GraphModule,
  { inputs, constants, machine, choices = {} }: PlanTarget,
): BuiltPlan {
  const { threads: bestThreads, lanes = 1, kernelOf = () => undefined } = choices;
  const known = withVaryingRows(withInputRanges(buildProgram(module, inputs, constants)), module);
  const program = withSharedAttributes(withKernels(known, kernelOf), constants.attributes);
  const schedule = scheduleProgram(program, constants, machine.blocksChannels);
  const { storage, arena } = assignStorage(program, schedule);
  const wanted = lanes > 1 ? 1 : (bestThreads ?? threadsFor(schedule.steps, machine.threads));
  const desc = { ...storage, threads: Math.min(wanted, machine.threads), lanes };
  return {
    desc,
    targets: schedule.steps.map(({ target }) => target),
    results: schedule.steps.map(({ result, outputs: [first] }) => result ?? first),
    arenaLowerBound: arena.lowerBound,
  };
}
