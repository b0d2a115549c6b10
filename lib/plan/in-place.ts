import { byteSizeOf, numelOf, sameStrides } from '../tensor/index.ts';
import type { Buffer, Operand, ScheduledStep } from './schedule.ts';
import { steps } from './steps.ts';

/**
 * Maps an input's buffer to the result's, for steps whose input is not needed afterwards and can be overwritten. A sum
 * in a convolution or linear must be in place: oneDNN adds to the contents of the destination, so another place would
 * cost a copy. Pointwise steps stay in the cache that way.
 */
export function shareMemory(
  steps: readonly ScheduledStep[],
  outputBuffers: ReadonlySet<Buffer>,
): ReadonlyMap<Buffer, Buffer> {
  const lastUse = new Map<Buffer, number>();
  steps.forEach(({ inputs }, i) => {
    for (const { buffer } of inputs) lastUse.set(buffer, i);
  });
  const homes = new Map<Buffer, Buffer>();
  steps.forEach((step, i) => {
    const [output] = step.outputs;
    const input = overwritable(step).find(
      ({ buffer }) =>
        buffer.kind === 'computed' &&
        lastUse.get(buffer) === i &&
        !outputBuffers.has(buffer) &&
        step.inputs.filter((other) => other.buffer === buffer).length === 1,
    );
    if (input) homes.set(input.buffer, output.buffer);
  });
  return homes;
}

/** Inputs that have the result's layout and fill their buffers. */
function overwritable({ op, attributes, inputs, outputs: [output] }: ScheduledStep): Operand[] {
  const isSum = attributes.binary === 'sum';
  const candidates = isSum ? inputs.slice(-1) : steps[op].overwrites ? inputs : [];
  return candidates.filter(
    (input) =>
      isWhole(input) &&
      isWhole(output) &&
      (input.dtype === output.dtype || (!isSum && byteSizeOf(input.dtype) === byteSizeOf(output.dtype))) &&
      String(input.shape) === String(output.shape) &&
      sameStrides(output.shape, input.strides, output.strides),
  );
}

/** Whether a value fills its buffer. */
function isWhole({ dtype, shape, buffer, offset }: Operand): boolean {
  return offset === 0 && buffer.kind === 'computed' && buffer.bytes === numelOf(shape) * byteSizeOf(dtype);
}
