import type { Instruction, Program } from './instructions.ts';
import { steps } from './steps.ts';
import type { Value } from './value.ts';

const full = 255;

/**
 * Tells convolutions and linear layers the largest value of their uint8 input if it is known to be less than 255. With
 * reduced ranges (0..127) pairs of products fit 16 bits, so that oneDNN's kernels for CPUs without VNNI are exact.
 */
export function withInputRanges(program: Program): Program {
  const known = new Map<Value, number>();
  const largest = (value: Value): number => {
    const { origin } = value;
    if (origin.kind === 'view' || origin.kind === 'strided') return largest(origin.of);
    return known.get(value) ?? full;
  };
  const instructions = program.instructions.map((instruction) => {
    const [first] = instruction.outputs;
    if (first.dtype === 'uint8') known.set(first, largestResult(instruction, largest));
    const [x] = instruction.inputs;
    if (!['convolution', 'linear'].includes(instruction.op) || x.dtype !== 'uint8') return instruction;
    const inputMax = largest(x);
    return inputMax < full
      ? { ...instruction, attributes: { ...instruction.attributes, inputMax } }
      : instruction;
  });
  return { ...program, instructions };
}

function largestResult({ op, attributes, inputs }: Instruction, largest: (value: Value) => number): number {
  // Unless averages are divided by a number other than the window's size.
  if (steps[op].selects && attributes.divisor === undefined) return Math.max(...inputs.map(largest));
  if (op === 'pad' || op === 'pick') return Math.max(largest(inputs[0]), asByte(attributes.value as number));
  if (op === 'lookup') return inputs[1].data ? Math.max(...(inputs[1].data as Uint8Array)) : full;
  if (typeof attributes.quantMax === 'number') return attributes.quantMax;
  if (attributes.unary !== 'hardtanh' || typeof attributes.outputScale !== 'number') return full;
  // If the bound is halfway between two integers, float32 may round it either way.
  const slack = 2 ** -10;
  const bound =
    (attributes.unaryBeta as number) / attributes.outputScale + (attributes.outputZeroPoint as number);
  return Math.min(full, Math.max(0, Math.floor(bound + 0.5 + slack)));
}

/** A value that is not a byte could become any byte. */
const asByte = (value: number) => (Number.isInteger(value) && value >= 0 && value <= full ? value : full);
