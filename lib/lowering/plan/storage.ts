import type { PlanDesc, PlanValue, Storage } from '../../onednn/addon.ts';
import { numelOf } from '../../tensor/index.ts';
import { type ArenaPlan, type Lifetime, planArena } from '../arena.ts';
import type { Program } from './program.ts';
import type { Buffer, Operand, Schedule, ScheduledStep } from './schedule.ts';
import { sameStrides } from './strides.ts';

type ComputedBuffer = Extract<Buffer, { kind: 'computed' }>;

/**
 * Gives every buffer its place: outputs in the caller's arrays, sums where their addend was if nobody needs that any
 * more, the rest in an arena by lifetime.
 */
export function assignStorage(
  program: Program,
  { steps, outputs }: Schedule,
): { readonly storage: Omit<PlanDesc, 'threads'>; readonly arena: ArenaPlan } {
  const homes = shareWithAddends(steps, new Set(outputs.map(({ buffer }) => buffer)));
  const homeOf = (buffer: Buffer): Buffer => {
    let home = buffer;
    while (homes.has(home)) home = homes.get(home)!;
    return home;
  };
  const outputIndex = new Map(outputs.map(({ buffer }, i) => [homeOf(buffer), i]));
  const inArena = new Map<ComputedBuffer, { first: number; last: number }>();
  steps.forEach((step, i) => {
    for (const { buffer } of [...step.inputs, ...step.outputs]) {
      const home = homeOf(buffer);
      if (home.kind !== 'computed' || outputIndex.has(home)) continue;
      const life = inArena.get(home);
      if (life) life.last = i;
      else inArena.set(home, { first: i, last: i });
    }
  });
  const arena = planArena(Array.from(inArena, ([{ bytes }, life]): Lifetime => ({ bytes, ...life })));
  const offsets = new Map<Buffer, number>([...inArena.keys()].map((home, i) => [home, arena.offsets[i]]));

  const storageOf = ({ buffer, offset }: Operand): Storage => {
    const home = homeOf(buffer);
    if (home.kind === 'input') return { kind: 'input', index: home.index, offset };
    if (home.kind === 'constant') return { kind: 'constant', constant: home.constant };
    const index = outputIndex.get(home);
    if (index !== undefined) return { kind: 'output', index, offset };
    return { kind: 'arena', offset: offsets.get(home)! + offset };
  };
  if (!Number.isSafeInteger(arena.bytes))
    throw new Error(
      `plan: inputs of ${program.inputs.map(({ dtype, shape }) => `${dtype}[${shape.join(', ')}]`).join(', ')} need ` +
        'more memory than there are addresses for',
    );
  const values: PlanValue[] = [];
  const indices = new Map<Operand, number>();
  const indexOf = (operand: Operand): number => {
    let index = indices.get(operand);
    if (index === undefined) {
      const { dtype, shape, strides } = operand;
      index = values.push({ dtype, shape, strides, storage: storageOf(operand) }) - 1;
      indices.set(operand, index);
    }
    return index;
  };
  const storage = {
    inputs: program.inputs.map(({ dtype, shape }) => ({ dtype, shape })),
    outputs: outputs.map(({ dtype, shape }) => ({ dtype, shape })),
    steps: steps.map(({ op, node, attributes, inputs, outputs }) => ({
      op,
      node,
      attributes,
      inputs: inputs.map(indexOf),
      outputs: outputs.map(indexOf),
    })),
    values,
    arenaBytes: arena.bytes,
  };
  return { storage, arena };
}

/**
 * For sums of a convolution or linear with a value that dies there: where the addend lives, the result goes (oneDNN adds
 * to what the destination holds, so another place would cost a copy). Maps the addend's buffer to the result's.
 */
function shareWithAddends(
  steps: readonly ScheduledStep[],
  outputBuffers: ReadonlySet<Buffer>,
): Map<Buffer, Buffer> {
  const lastUse = new Map<Buffer, number>();
  steps.forEach(({ inputs }, i) => {
    for (const { buffer } of inputs) lastUse.set(buffer, i);
  });
  const homes = new Map<Buffer, Buffer>();
  steps.forEach((step, i) => {
    if (step.attributes.binary !== 'sum') return;
    const addend = step.inputs.at(-1)!;
    const [output] = step.outputs;
    const { buffer } = addend;
    const free =
      buffer.kind === 'computed' &&
      lastUse.get(buffer) === i &&
      !outputBuffers.has(buffer) &&
      step.inputs.filter((input) => input.buffer === buffer).length === 1;
    const fits =
      addend.dtype === output.dtype &&
      addend.offset === 0 &&
      numelOf(addend.shape) === numelOf(output.shape) &&
      (buffer as ComputedBuffer).bytes === (output.buffer as ComputedBuffer).bytes &&
      sameStrides(output.shape, addend.strides, output.strides);
    if (free && fits) homes.set(buffer, output.buffer);
  });
  return homes;
}
