import type { CompiledStep, RejectedImplementation } from '../native/addon-types.ts';
import type { StepName } from '../native/step-name.ts';
import { type BuiltPlan, bytesMoved, type ConstantMemory, multiplyAdds } from '../plan/index.ts';
import { type DType, isRowMajor } from '../tensor/index.ts';
import { alignColumns } from './text-columns.ts';
import { countThreads } from './threads.ts';

/** One step of a compiled plan. */
export interface StepDescription {
  /** The graph node it computes; of a copy, the node whose value it copies. */
  readonly node: string;
  /** Names of the captured graph's operators that it computes, but for quantize and dequantize. */
  readonly operators: readonly string[];
  /** The operator: `onednn.qconv2d_pointwise.default`; undefined for a copy that the plan put in. */
  readonly target: string | undefined;
  /** The native step: `convolution`. */
  readonly op: StepName;
  /** oneDNN's implementation (`brgconv:avx512_core_vnni`), or `octavo:…` for Octavo's own loops. */
  readonly implementation: string;
  /**
   * Why it is this implementation: what is preferred to it, in order of preference, and why each could not be taken. Empty
   * for steps that can be computed in one way only.
   */
  readonly rejections: readonly RejectedImplementation[];
  /** Of its result; of one part where the batch is divided. */
  readonly dtype: DType;
  readonly shape: readonly number[];
  /** Of what it computes on: its first input. */
  readonly inputDtype: DType;
  readonly layout: 'row-major' | 'strided' | 'blocks of channels';
  /** Products that it sums up in all parts of the batch; 0 for a step that has none. */
  readonly multiplyAdds: number;
  /** Bytes that it reads and writes for all parts of the batch, weights included. */
  readonly bytes: number;
  readonly scratchpadBytes: number;
}

/** A compiled plan as people and tools read it. */
export interface PlanDescription {
  readonly inputs: readonly {
    readonly name: string;
    readonly dtype: DType;
    readonly shape: readonly number[];
  }[];
  readonly outputs: readonly {
    readonly name: string;
    readonly dtype: DType;
    readonly shape: readonly number[];
  }[];
  /** Threads that compute it. */
  readonly threads: number;
  /**
   * Parts of the batch, all alike, that the steps are run for, each on one thread of its own as long as there are threads; 1:
   * the threads share every step of the whole.
   */
  readonly parts: number;
  readonly steps: readonly StepDescription[];
  /**
   * Plans that follow, but are not made yet: values of a request decide the sizes that they are for. 0 for most models, which
   * have one plan.
   */
  readonly furtherPlans: number;
  readonly memory: ConstantMemory & {
    /**
     * Memory for intermediate values, shared by lifetime. Each stream has as much, and where the batch is divided each of
     * its threads.
     */
    readonly arenaBytes: number;
    /** The most that is alive at any one step: no arena can be smaller. */
    readonly arenaLowerBound: number;
    /** Largest working memory of a step. */
    readonly scratchpadBytes: number;
  };
}

/** The shape of several parts of a batch together. */
export function wholeShape(ofPart: readonly number[], parts: number): readonly number[] {
  return parts === 1 ? ofPart : [parts * ofPart[0], ...ofPart.slice(1)];
}

/** Describes how requests are computed: in so many parts by a plan that was compiled to `compiled`. */
export function describePlan(
  { desc, targets, results, arenaLowerBound }: BuiltPlan,
  parts: number,
  compiled: readonly CompiledStep[],
  names: { readonly inputs: readonly string[]; readonly outputs: readonly string[] },
  constants: ConstantMemory,
  operatorsOf: ReadonlyMap<string, readonly string[]>,
): PlanDescription {
  const steps = desc.steps.map((step, i): StepDescription => {
    const outputs = step.outputs.map((index) => desc.values[index]);
    const inputs = step.inputs.map((index) => desc.values[index]);
    const operands = { op: step.op, inputs, outputs };
    const { dtype, shape, strides, image } = results[i];
    const { implementation, rejections, scratchpadBytes } = compiled[i];
    return {
      node: step.node,
      operators: (targets[i] && operatorsOf.get(step.node)) || [],
      target: targets[i],
      op: step.op,
      implementation,
      rejections,
      dtype,
      shape: image ?? shape,
      layout: image ? 'blocks of channels' : isRowMajor(shape, strides) ? 'row-major' : 'strided',
      inputDtype: (inputs[0] ?? outputs[0]).dtype,
      multiplyAdds: parts * multiplyAdds(operands),
      bytes: parts * bytesMoved(operands),
      scratchpadBytes,
    };
  });
  const named = (kind: 'inputs' | 'outputs') =>
    desc[kind].map(({ dtype, shape }, i) => ({
      name: names[kind][i],
      dtype,
      shape: wholeShape(shape, parts),
    }));
  return {
    inputs: named('inputs'),
    outputs: named('outputs'),
    threads: desc.threads * desc.lanes,
    parts,
    steps,
    furtherPlans: 0,
    memory: {
      arenaBytes: desc.arenaBytes,
      arenaLowerBound,
      scratchpadBytes: Math.max(0, ...steps.map((step) => step.scratchpadBytes)),
      ...constants,
    },
  };
}

/**
 * Several plans, one after the other, as one: the inputs of the first, the outputs of the last.
 * @param furtherPlans how many would follow.
 */
export function joinPlans(plans: readonly PlanDescription[], furtherPlans: number): PlanDescription {
  const [first] = plans;
  const sum = (of: (plan: PlanDescription) => number) => plans.reduce((total, plan) => total + of(plan), 0);
  return {
    ...first,
    outputs: plans.at(-1)!.outputs,
    threads: Math.max(...plans.map(({ threads }) => threads)),
    steps: plans.flatMap(({ steps }) => steps),
    furtherPlans,
    memory: {
      ...first.memory,
      arenaBytes: sum(({ memory }) => memory.arenaBytes),
      arenaLowerBound: sum(({ memory }) => memory.arenaLowerBound),
      scratchpadBytes: Math.max(...plans.map(({ memory }) => memory.scratchpadBytes)),
    },
  };
}

const suffixes = { 'row-major': '', strided: ' channels-last', 'blocks of channels': ' blocks' };

/**
 * A plan as text: one line a step, then where the memory goes. With `why`, the implementations that were passed over stand below each
 * step, with the reason.
 */
export function formatPlan(plan: PlanDescription, { why = false }: { why?: boolean } = {}): string {
  const { inputs, outputs, threads, parts, steps, memory } = plan;
  const tensor = (dtype: string, shape: readonly number[]) => `${dtype}[${shape.join(', ')}]`;
  const signature = (list: PlanDescription['inputs']) =>
    list.map(({ name, dtype, shape }) => `${name}: ${tensor(dtype, shape)}`).join(', ');
  const rows = steps.map((step, i) => [
    String(i),
    step.node,
    step.op,
    tensor(step.dtype, step.shape) + suffixes[step.layout],
    step.implementation,
    formatBytes(step.bytes),
  ]);
  const [header, ...lines] = alignColumns([
    ['#', 'node', 'step', parts === 1 ? 'result' : 'result of a part', 'implementation', 'moves'],
    ...rows,
  ]);
  const reasons = ({ rejections }: StepDescription) =>
    why ? rejections.map(({ implementation, reason }) => `     not ${implementation}: ${reason}`) : [];
  const kib = (bytes: number) => formatBytes(bytes);
  const division = parts === 1 ? '' : `, in ${parts} parts of the batch`;
  return [
    `plan(${signature(inputs)}) -> (${signature(outputs)}) on ${countThreads(threads)}${division}`,
    header,
    ...lines.flatMap((line, i) => [line, ...reasons(steps[i])]),
    ...(plan.furtherPlans === 0
      ? []
      : [`values decide sizes: ${plan.furtherPlans} more, made when a request has decided them`]),
    `arena ${kib(memory.arenaBytes)} (at least ${kib(memory.arenaLowerBound)}), ` +
      `scratchpad ${kib(memory.scratchpadBytes)}, weights ${kib(memory.constantBytes)}, ` +
      `packed ${kib(memory.packedBytes)} (${kib(memory.packedBytesFromFile)} read from a file)`,
  ].join('\n');
}

function formatBytes(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`;
  if (bytes < 1024 ** 2) return `${(bytes / 1024).toFixed(1)} KiB`;
  return `${(bytes / 1024 ** 2).toFixed(1)} MiB`;
}
