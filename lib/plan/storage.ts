import { outOfMemoryError } from '../error-code.ts';
import type { PlanDesc, PlanValue, Storage } from '../native/addon-types.ts';
import { type ArenaPlan, type Lifetime, planArena } from './arena.ts';
import { shareMemory } from './in-place.ts';
import type { Program } from './instructions.ts';
import type { Buffer, Operand, Schedule } from './schedule.ts';

type ComputedBuffer = Extract<Buffer, { kind: 'computed' }>;

/**
 * Assigns every buffer its place. Outputs are in the caller's arrays; results of steps that can work in place replace
 * an input that is not needed any more; the rest is in an arena, by lifetime.
 */
export function assignStorage(
  program: Program,
  { steps, outputs }: Schedule,
): { readonly storage: Omit<PlanDesc, 'threads' | 'lanes'>; readonly arena: ArenaPlan } {
  const homes = shareMemory(steps, new Set(outputs.map(({ buffer }) => buffer)));
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
    throw outOfMemoryError(
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
