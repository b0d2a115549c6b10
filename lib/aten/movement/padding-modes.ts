import { addDims, type Dim } from '../../graph/index.ts';
import type { Step, TensorLike } from '../registry.ts';
import { modulo, pickStep, tableOf } from './pick.ts';

/** How elements around a tensor follow from those in it. */
const modes = {
  reflect: (at: number, extent: number) => {
    const mirrored = Math.abs(at);
    return mirrored < extent ? mirrored : 2 * (extent - 1) - mirrored;
  },
  replicate: (at: number, extent: number) => Math.min(Math.max(at, 0), extent - 1),
  circular: modulo,
};

/** A way of padding with a tensor's own elements (`torch.nn.functional.pad`). */
export type PaddingMode = keyof typeof modes;

/** Whether a mode is one of these. */
export const isPaddingMode = (mode: string): mode is PaddingMode => Object.hasOwn(modes, mode);

/** The largest amount that an extent can be padded by; undefined for any. */
function mostPadding(mode: PaddingMode, extent: number): number | undefined {
  if (mode === 'reflect') return extent - 1;
  return mode === 'circular' ? extent : undefined;
}

/**
 * A tensor padded with its own elements.
 * @param before and `after`, the amounts for each axis; negative ones cut away.
 * @throws Error where an extent is too short for the mode.
 */
export function paddedStep<T extends TensorLike>(
  self: T,
  before: readonly number[],
  after: readonly number[],
  mode: PaddingMode,
  operator: string,
): Step<T> {
  const tables = self.shape.map((extent, axis) => {
    if (before[axis] === 0 && after[axis] === 0) return undefined;
    const most = mostPadding(mode, extent);
    const amount = Math.max(before[axis], after[axis]);
    if (amount > 0 && (extent === 0 || (most !== undefined && amount > most)))
      throw new Error(
        `${operator}: padding by ${amount} needs a longer extent than ${extent} (axis ${axis}, mode '${mode}')`,
      );
    return tableOf(extent + before[axis] + after[axis], (at) => modes[mode](at - before[axis], extent));
  });
  return pickStep(self, tables);
}

/** The shape after padding; symbolic extents stay so. */
export const paddedShape = (
  shape: readonly Dim[],
  before: readonly number[],
  after: readonly number[],
): readonly Dim[] => shape.map((extent, i) => addDims(extent, before[i], after[i]));
