import { type Arguments, type Dim, isAtMost, type TensorMeta } from '../../graph/index.ts';
import type { Attributes } from '../../native/addon-types.ts';
import { broadcastShapes } from '../shape-rules.ts';

/** Index tensors: what says at which positions of some axes elements are read or written. */

/** What an operator makes of index tensors: the elements that they choose, in the order of `shape`. */
export interface IndexWalk {
  readonly shape: readonly Dim[];
  /** The axis of the indexed tensor that each index tensor is for. */
  readonly axes: readonly number[];
  /** For each axis of `shape`, the axis of the indexed tensor that advances with it; -1 for none. */
  readonly walks: readonly number[];
  /** The axis of `shape` at which the index tensors' common extents begin. */
  readonly position: number;
  /** Whether negative indices count from the end, as in `tensor[-1]`; PyTorch's other operators refuse them. */
  readonly wraps: boolean;
}

/** The walk as a native step wants it. */
export const walkAttributes = ({ axes, walks, position, wraps }: IndexWalk): Attributes => ({
  axes,
  walks,
  position,
  wraps,
});

/** @throws Error unless a tensor can hold positions. */
export function checkIndices({ dtype }: Pick<TensorMeta, 'dtype'>, what: string, operator: string): void {
  if (dtype === 'bool' || dtype === 'uint8')
    throw new Error(
      `${operator}: ${what} is a mask of ${dtype}: how many elements it chooses is known only at run time`,
    );
  if (dtype !== 'int64' && dtype !== 'int32')
    throw new Error(`${operator}: ${what} must be int64 or int32, got ${dtype}`);
}

/**
 * `gather` and `scatter`: an index for each element, along one axis.
 * @param shape of the indexed tensor; `index` must not be longer along its other axes.
 */
export function elementWalk(
  shape: readonly Dim[],
  index: readonly Dim[],
  axis: number,
  args: Arguments<unknown>,
): IndexWalk {
  const { name } = args.schema;
  if (shape.length === 0 || index.length !== shape.length)
    throw new Error(
      `${name}: index [${index.join(', ')}] must have as many extents as [${shape.join(', ')}], and at least one`,
    );
  index.forEach((extent, i) => {
    if (i !== axis && isAtMost(extent, shape[i], args.ranges) === false)
      throw new Error(
        `${name}: index [${index.join(', ')}] is longer than [${shape.join(', ')}] along axis ${i}`,
      );
  });
  return {
    shape: index,
    axes: [axis],
    walks: index.map((_, i) => (i === axis ? -1 : i)),
    position: 0,
    wraps: false,
  };
}

/** `index_select` and its like: positions along one axis, whole rows of the others. */
export function rowWalk(
  shape: readonly Dim[],
  index: readonly Dim[],
  axis: number,
  operator: string,
): IndexWalk {
  if (shape.length === 0 || index.length > 1)
    throw new Error(
      `${operator}: index must be a vector, for a tensor of at least one extent; got [${index.join(', ')}] for [${shape.join(', ')}]`,
    );
  const [count = 1] = index;
  return {
    shape: shape.map((extent, i) => (i === axis ? count : extent)),
    axes: [axis],
    walks: shape.map((_, i) => (i === axis ? -1 : i)),
    position: axis,
    wraps: false,
  };
}

/**
 * `tensor[i, :, j]`: index tensors for some axes, which broadcast to a common shape. It stands where the first of them
 * is if they are neighbours, else before all other axes.
 * @param indices null for an axis that is read whole; so are those that follow the last.
 */
export function tensorWalk(
  shape: readonly Dim[],
  indices: readonly ({ readonly shape: readonly Dim[] } | null)[],
  operator: string,
): IndexWalk {
  if (indices.length > shape.length)
    throw new Error(`${operator}: ${indices.length} indices for [${shape.join(', ')}]`);
  const axes = indices.flatMap((index, axis) => (index ? [axis] : []));
  if (axes.length === 0) throw new Error(`${operator}: at least one index tensor is needed`);
  const common = indices.reduce<readonly Dim[]>(
    (wide, index) => (index ? broadcastShapes(wide, index.shape, operator) : wide),
    [],
  );
  const areNeighbours = axes.every((axis, i) => axis === axes[0] + i);
  const position = areNeighbours ? axes[0] : 0;
  const rest = shape.flatMap((_, axis) => (axes.includes(axis) ? [] : [axis]));
  const around = <T>(middle: readonly T[], of: (axis: number) => T): T[] => [
    ...rest.slice(0, position).map(of),
    ...middle,
    ...rest.slice(position).map(of),
  ];
  return {
    shape: around(common, (axis) => shape[axis]),
    axes,
    walks: around(
      common.map(() => -1),
      (axis) => axis,
    ),
    position,
    wraps: true,
  };
}
