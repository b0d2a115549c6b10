import type { Instruction } from './program.ts';
import type { Value } from './value.ts';

/**
 * What a native step asks of its operands' memory order:
 * - `channelsLast`: images with the channels innermost, in and out;
 * - `uniform`: operands of the result's shape lie as the result does, whichever way that is;
 * - `any`: every input as it is, and a result in whatever order is asked for;
 * - `strided`: every input as it is, and a row-major result;
 * - `rowMajor`: row-major in and out.
 */
export type LayoutRule = 'channelsLast' | 'uniform' | 'any' | 'strided' | 'rowMajor';

const rules: Readonly<Record<string, LayoutRule>> = {
  convolution: 'channelsLast',
  pool: 'channelsLast',
  batch_norm: 'channelsLast',
  quantized_average: 'channelsLast',
  eltwise: 'uniform',
  binary: 'uniform',
  concat: 'uniform',
  lookup: 'uniform',
  pad: 'uniform',
  copy: 'any',
  quantize: 'any',
  dequantize: 'any',
  requantize: 'any',
  quantize_per_channel: 'any',
  dequantize_per_channel: 'any',
  matmul: 'strided',
  integer_matmul: 'strided',
  attention: 'strided',
  reduce: 'strided',
};

/** The rule for a native step. */
export function layoutRule(op: string): LayoutRule {
  return rules[op] ?? 'rowMajor';
}

/** Inputs that have to lie as the step's rule says: neither parameters nor operands that are broadcast. */
export function laidOutInputs({ op, inputs, outputs }: Instruction): readonly Value[] {
  const rule = layoutRule(op);
  const [{ shape }] = outputs;
  // Concatenation and padding change an extent, but no order.
  const spread = (value: Value) => op !== 'concat' && op !== 'pad' && String(value.shape) !== String(shape);
  return inputs.filter((value, i) => {
    if (value.origin.kind === 'constant') return false;
    if (rule === 'channelsLast') return i === 0 || !spread(value);
    return rule === 'uniform' && value.shape.length === shape.length && !spread(value);
  });
}
