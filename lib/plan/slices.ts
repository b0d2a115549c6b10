import type { StepName } from '../native/step-name.ts';
import { numelOf, sameStrides } from '../tensor/index.ts';
import type { Instruction, Program } from './instructions.ts';
import { denseIn, type Layout, liesInOrder } from './orders/strides.ts';
import { steps } from './steps.ts';
import type { Value } from './value.ts';

/** A part of the value that a concatenation produces: the place of one of its inputs. */
export interface Slice {
  readonly whole: Value;
  readonly axis: number;
  /** The first index along the axis. */
  readonly begin: number;
}

/** Whether a step reads operands with gaps between their rows as fast as contiguous ones. */
export function readsSlices(op: StepName): boolean {
  return steps[op].slices === 'read and written';
}

/**
 * Chooses the values that are computed in place in a concatenation, so that it copies nothing. The largest
 * concatenation comes first. A concatenation whose inputs are adjacent in it is a part of its result as well, so a
 * prefix that grows (DenseNet) is written only once.
 */
export function placeInConcatenations(
  program: Program,
  layoutOf: (value: Value) => Layout,
): ReadonlyMap<Value, Slice> {
  const uses = usesOf(program);
  const slices = new Map<Value, Slice>();
  const writersOf = new Map(program.instructions.flatMap((by) => by.outputs.map((value) => [value, by])));
  const place = (value: Value, slice: Slice): void => {
    const by = writersOf.get(value);
    if (!by || slices.has(value)) return;
    let root = slice.whole;
    while (slices.has(root)) root = slices.get(root)!.whole;
    if (canLiveIn(root, slice.axis, value, by, uses, layoutOf)) slices.set(value, slice);
  };
  const larger: Concatenation[] = [];
  for (const concatenation of concatenationsOf(program)) {
    const { output, axis, inputs } = concatenation;
    for (const other of larger) {
      const begin = beginIn(other, concatenation);
      if (begin !== undefined) place(output, { whole: other.output, axis, begin });
    }
    for (const { value, begin } of inputs) place(value, { whole: output, axis, begin });
    larger.push(concatenation);
  }
  return slices;
}

interface Concatenation {
  readonly output: Value;
  readonly axis: number;
  readonly inputs: readonly { readonly value: Value; readonly begin: number }[];
}

/** The largest first; of equal ones the later first, which may include the earlier one. */
function concatenationsOf({ instructions }: Program): Concatenation[] {
  const found = instructions.filter(({ op }) => op === 'concat').reverse();
  const size = ({ output }: Concatenation) => numelOf(output.shape);
  return found.map(concatenationOf).sort((a, b) => size(b) - size(a));
}

function concatenationOf({ inputs, outputs: [output], attributes }: Instruction): Concatenation {
  const axis = attributes.axis as number;
  let end = 0;
  const begins = inputs.map(({ shape }) => {
    end += shape[axis];
    return end - shape[axis];
  });
  return { output, axis, inputs: inputs.map((value, i) => ({ value, begin: begins[i] })) };
}

/** The position of `part` in `whole`, if its inputs are adjacent there. */
function beginIn(whole: Concatenation, part: Concatenation): number | undefined {
  if (whole.axis !== part.axis) return undefined;
  const first = whole.inputs.findIndex((_, i) =>
    part.inputs.every(({ value }, j) => whole.inputs[i + j]?.value === value),
  );
  return whole.inputs[first]?.begin;
}

interface Uses {
  readonly readBy: ReadonlyMap<Value, readonly Instruction[]>;
  /** Values that are outputs, or that other values are views of. */
  readonly seen: ReadonlySet<Value>;
}

function usesOf({ instructions, outputs }: Program): Uses {
  const readBy = new Map<Value, Instruction[]>();
  const seen = new Set<Value>(outputs);
  const look = ({ origin }: Value): void => {
    if (origin.kind !== 'view' && origin.kind !== 'strided') return;
    seen.add(origin.of);
    look(origin.of);
  };
  outputs.forEach(look);
  for (const instruction of instructions)
    for (const input of instruction.inputs) {
      look(input);
      const list = readBy.get(input);
      if (list) list.push(instruction);
      else readBy.set(input, [instruction]);
    }
  return { readBy, seen };
}

/** Whether a value may be computed as a part, along `axis`, of a contiguous value. */
function canLiveIn(
  whole: Value,
  axis: number,
  value: Value,
  by: Instruction,
  { readBy, seen }: Uses,
  layoutOf: (value: Value) => Layout,
): boolean {
  const layout = layoutOf(whole);
  if (layoutOf(value) !== layout || value.dtype !== whole.dtype || seen.has(value)) return false;
  if (value.shape.length !== whole.shape.length || value.shape[axis] === 0) return false;
  // A sum is stored at its addend.
  if (by.attributes.binary === 'sum') return false;
  const { strides } = denseIn(layout, whole.shape);
  const own = denseIn(layout, value.shape);
  if (sameStrides(own.shape, strides, own.strides)) return true;
  // One channel of many has no adjacent elements.
  if (!liesInOrder(layout, own.shape, strides)) return false;
  return steps[by.op].slices !== undefined && readBy.get(value)!.every(({ op }) => readsSlices(op));
}
