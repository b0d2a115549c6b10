import type { Instruction } from '../instructions.ts';
import { type LayoutRule, steps } from '../steps.ts';
import type { Value } from '../value.ts';

/** Inputs that must have the layout that the step's rule states: neither parameters nor operands that are broadcast. */
export function laidOutInputs({ op, inputs, outputs }: Instruction): readonly Value[] {
  const rule = steps[op].layout;
  const [{ shape }] = outputs;
  // Concatenation and padding change an extent, and keep the order.
  const spread = (value: Value) => op !== 'concat' && op !== 'pad' && String(value.shape) !== String(shape);
  return inputs.filter((value, i) => {
    if (value.origin.kind === 'constant') return false;
    if (isOfImages(rule)) return value.shape.length >= 3;
    if (rule === 'channelsLast') return i === 0 || !spread(value);
    return rule === 'uniform' && value.shape.length === shape.length && !spread(value);
  });
}

/** Whether all operands are images, whatever their shapes. */
export const isOfImages = (rule: LayoutRule): boolean => rule === 'images' || rule === 'imagesIn';
