/** What a sliding window does along one dimension. */
export interface Window {
  readonly kernel: number;
  readonly stride: number;
  /** Elements added before the first one. */
  readonly padding: number;
  /** Elements added after the last one. */
  readonly paddingEnd: number;
  readonly dilation: number;
}

/** oneDNN's sizes have 32 bits, and it adds to them. No image or window that means something comes near. */
const LARGEST_EXTENT = 2 ** 30;

/** @throws Error when one of an extent, a kernel, a stride or the like is beyond what can be computed with. */
export function checkExtents(extents: readonly number[], what: string): void {
  const largest = Math.max(...extents);
  if (!(largest <= LARGEST_EXTENT))
    throw new Error(
      `${what}: an extent, kernel, stride, padding or dilation of ${largest} is more than ${LARGEST_EXTENT}`,
    );
}

/**
 * How many places a window takes along an extent.
 * @throws Error when the window is larger than the padded extent, or does not move.
 */
export function windowCount(extent: number, window: Window): number {
  const { kernel, stride, padding, paddingEnd, dilation } = window;
  if (kernel < 1 || stride < 1 || dilation < 1)
    throw new Error(`kernel ${kernel}, stride ${stride} and dilation ${dilation} must be at least 1`);
  const padded = extent + padding + paddingEnd;
  checkExtents([padded, kernel, stride, dilation, padding, paddingEnd], 'the window');
  const span = dilation * (kernel - 1) + 1;
  if (padded < span) throw new Error(`the kernel spans ${span}, more than the padded input's ${padded}`);
  return Math.floor((padded - span) / stride) + 1;
}
