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

/** Bytes that a step reads and writes, weights included, each tensor once. */
export function bytesMoved({ inputs, outputs }: Pick<StepOperands, 'inputs' | 'outputs'>): number {
  return [...inputs, ...outputs].reduce(
    (sum, { dtype, shape }) => sum + numelOf(shape) * byteSizeOf(dtype),
    0,
  );
}

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
