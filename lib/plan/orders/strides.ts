import { isRowMajor, rowMajorStrides } from '../../tensor/index.ts';
import { type Extents, inBlocks } from './blocks.ts';

/** The memory orders of values that steps compute; `blocked` is the one of `blocks.ts`. */
export type Layout = 'rowMajor' | 'channelsLast' | 'blocked';

/** The axes from the outermost to the innermost. */
function memoryOrder(layout: Layout, rank: number): number[] {
  const axes = Array.from({ length: rank }, (_, axis) => axis);
  return layout !== 'channelsLast' || rank < 3 ? axes : [0, ...axes.slice(2), 1];
}

/** Strides of a contiguous tensor whose channels (axis 1) are innermost: NHWC for images. Row-major below rank 3. */
export function channelsLastStrides(shape: readonly number[]): number[] {
  const order = memoryOrder('channelsLast', shape.length);
  const inMemory = rowMajorStrides(order.map((axis) => shape[axis]));
  const strides = new Array<number>(shape.length);
  order.forEach((axis, i) => {
    strides[axis] = inMemory[i];
  });
  return strides;
}

/** A contiguous tensor's extents in memory order, with their strides, in a layout. */
export function denseIn(layout: Layout, shape: readonly number[]): Extents {
  if (layout === 'channelsLast') return { shape, strides: channelsLastStrides(shape) };
  if (layout === 'rowMajor') return { shape, strides: rowMajorStrides(shape) };
  const blocks = inBlocks({ shape, strides: rowMajorStrides(shape) }).shape;
  return { shape: blocks, strides: rowMajorStrides(blocks) };
}

/**
 * Whether a tensor's elements are stored in a layout's order, with gaps allowed only between innermost runs, as in a
 * slice of a larger tensor. Channel blocks count as axes of the shape.
 */
export function liesInOrder(layout: Layout, shape: readonly number[], strides: readonly number[]): boolean {
  const axes = memoryOrder(layout, shape.length).filter((axis) => shape[axis] !== 1);
  const innermost = axes.at(-1);
  if (innermost === undefined || shape.includes(0)) return true;
  return (
    strides[innermost] === 1 &&
    axes.slice(1).every((axis, i) => strides[axes[i]] >= strides[axis] * shape[axis])
  );
}

/** Whether several elements share an address, as after `expand`. */
export function isOverlapping(shape: readonly number[], strides: readonly number[]): boolean {
  return shape.some((extent, axis) => extent > 1 && strides[axis] === 0);
}

/**
 * Strides under which the same memory, read in row-major order, has another shape (`at::detail::computeStride`);
 * undefined if there are none.
 */
export function viewStrides(
  shape: readonly number[],
  strides: readonly number[],
  viewShape: readonly number[],
): number[] | undefined {
  if (shape.includes(0) || isRowMajor(shape, strides)) return rowMajorStrides(viewShape);
  const result = new Array<number>(viewShape.length).fill(1);
  let view = viewShape.length - 1;
  let numel = 1;
  let viewed = 1;
  let base = strides.at(-1) ?? 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    numel *= shape[axis];
    // The end of a run of axes that are contiguous with each other.
    const breaks = axis === 0 || (shape[axis - 1] !== 1 && strides[axis - 1] !== numel * base);
    if (!breaks) continue;
    while (view >= 0 && (viewed < numel || viewShape[view] === 1)) {
      result[view] = viewed * base;
      viewed *= viewShape[view];
      view--;
    }
    if (viewed !== numel) return undefined;
    if (axis > 0) {
      base = strides[axis - 1];
      numel = 1;
      viewed = 1;
    }
  }
  return view === -1 ? result : undefined;
}
