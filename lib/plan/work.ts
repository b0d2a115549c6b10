import type { TensorDesc } from '../native/addon-types.ts';
import type { StepName } from '../native/step-name.ts';
import { byteSizeOf, numelOf } from '../tensor/index.ts';
import { steps } from './steps.ts';

/** A native step, with the tensors it reads and writes. */
export interface StepOperands {
  readonly op: StepName;
  readonly inputs: readonly TensorDesc[];
  readonly outputs: readonly TensorDesc[];
}

/** Bytes of each input that a step reads, weights included, each once; of a table, those of the rows that are looked up. */
export function bytesRead({ op, inputs }: Pick<StepOperands, 'op' | 'inputs'>): readonly number[] {
  const all = inputs.map(bytesOf);
  if (!steps[op].looksUp) return all;
  const [{ shape }, indices] = inputs;
  const ofRows = (all[0] / Math.max(1, shape[0])) * numelOf(indices.shape);
  return [Math.min(all[0], ofRows), ...all.slice(1)];
}

export const bytesWritten = ({ outputs }: Pick<StepOperands, 'outputs'>): number => sum(outputs.map(bytesOf));

/** Bytes that a step reads and writes. */
export const bytesMoved = (step: StepOperands): number => sum(bytesRead(step)) + bytesWritten(step);

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
const bytesOf = ({ dtype, shape }: TensorDesc): number => numelOf(shape) * byteSizeOf(dtype);

/**
 * Bytes of weights that a step reads again, after all were read once: a recurrent step multiplies each state with the same
 * one.
 */
export function weightBytesReadAgain({ op, inputs }: Pick<StepOperands, 'op' | 'inputs'>): number {
  if (steps[op].products !== 'recurrent') return 0;
  const [sequences, , { dtype, shape }] = inputs;
  return (Math.max(...sequences.shape.slice(0, 2)) - 1) * numelOf(shape) * byteSizeOf(dtype);
}

/** Multiply-adds of a step that consists of products; 0 for the others, which only move data. */
export function multiplyAdds({ op, inputs, outputs }: StepOperands): number {
  const [left, right] = inputs;
  switch (steps[op].products) {
    case 'weightRows':
      return numelOf(outputs[0].shape) * numelOf(right.shape.slice(1));
    case 'weightColumns':
      return numelOf(left.shape) * numelOf(right.shape.slice(1));
    case 'gradientColumns':
      return numelOf(left.shape) * numelOf(outputs[0].shape.slice(1));
    case 'recurrent':
      return numelOf(left.shape.slice(0, 2)) * (numelOf(right.shape) + numelOf(inputs[2].shape));
    case 'rowsByColumns':
      return numelOf(outputs[0].shape) * left.shape[left.shape.length - 1];
    case 'attention':
      return 2 * numelOf(left.shape) * right.shape[right.shape.length - 2];
    case 'none':
      return 0;
  }
}
