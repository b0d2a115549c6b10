import {
  type Arguments,
  addDims,
  ceilDivDims,
  type Dim,
  isAtMost,
  maxDims,
  minDims,
  SymInt,
  subDims,
} from '../../graph/index.ts';
import type { OperatorDefinition } from '../registry.ts';
import { axisOf, narrow, position, positive, replaced, type Shaped, without } from './strided.ts';

/** Positions of an axis at regular distances. */
export interface Range {
  readonly axis: number;
  readonly start: Dim;
  readonly length: Dim;
  readonly step: number;
}

/**
 * A bound of a slice, clamped to the extent. A symbolic bound that was computed from sizes is inside: otherwise the
 * export would have had another size.
 */
function bound(at: Dim, extent: Dim, args: Arguments<Shaped>): Dim {
  const { ranges } = args;
  const from = position(at, extent, args);
  if (at instanceof SymInt) return isAtMost(extent, from, ranges) ? extent : from;
  return minDims(maxDims(from, 0, ranges), extent, ranges);
}

/** PyTorch's slicing, of `dim`, `start`, `end` and `step`: negative bounds count from the end, and all are clamped. */
export function rangeOf(args: Arguments<Shaped>): Range {
  const axis = axisOf(args);
  const extent = args.tensor('self').shape[axis];
  const step = positive(args, 'step');
  const [first, last] = [args.optionalDim('start') ?? 0, args.optionalDim('end') ?? Number.MAX_SAFE_INTEGER];
  const isToTheEnd = typeof last === 'number' && last >= Number.MAX_SAFE_INTEGER;
  const start = bound(first, extent, args);
  const length = subDims(isToTheEnd ? extent : bound(last, extent, args), start);
  const isKnown = ![first, last].some((at) => at instanceof SymInt);
  return {
    axis,
    start,
    length: ceilDivDims(isKnown ? maxDims(length, 0, args.ranges) : length, step),
    step,
  };
}

/**
 * The position along `dim` that `index` names; negative ones count from the end.
 * @throws Error when it is out of range.
 */
export function indexOf(args: Arguments<Shaped>): Dim {
  const index = args.dim('index');
  const extent = args.tensor('self').shape[axisOf(args)];
  const at = position(index, extent, args);
  if (isAtMost(at, -1, args.ranges) || isAtMost(extent, at, args.ranges))
    throw new Error(`${args.schema.name}: index ${index} is out of range for an extent of ${extent}`);
  return at;
}

/** Operators that take a range of positions along an axis, or one of them. */
export const ranges: readonly OperatorDefinition[] = [
  {
    schema:
      'aten::slice.Tensor(Tensor(a) self, int dim=0, SymInt? start=None, SymInt? end=None, SymInt step=1) -> Tensor(a)',
    infer: (args) => {
      const { dtype, shape } = args.tensor('self');
      const { axis, length } = rangeOf(args);
      return { dtype, shape: replaced(shape, axis, length) };
    },
    strided: (input, args) => {
      const { axis, start, length, step } = rangeOf(args);
      return narrow(input, axis, start as number, length as number, step);
    },
  },
  {
    schema: 'aten::narrow(Tensor(a) self, int dim, SymInt start, SymInt length) -> Tensor(a)',
    infer: (args) => {
      const { dtype, shape } = args.tensor('self');
      const axis = axisOf(args);
      const [length, extent] = [args.dim('length'), shape[axis]];
      const end = addDims(position(args.dim('start'), extent, args), length);
      if (isAtMost(end, extent, args.ranges) === false || isAtMost(length, -1, args.ranges))
        throw new Error(
          `${args.schema.name}: ${length} positions from ${args.dim('start')} are not in an extent of ${extent}`,
        );
      return { dtype, shape: replaced(shape, axis, length) };
    },
    strided: (input, args) => {
      const axis = axisOf(args);
      const start = position(args.dim('start'), input.shape[axis], args) as number;
      return narrow(input, axis, start, args.number('length'));
    },
  },
  {
    schema: 'aten::select.int(Tensor(a) self, int dim, SymInt index) -> Tensor(a)',
    infer: (args) => {
      indexOf(args);
      const { dtype, shape } = args.tensor('self');
      return { dtype, shape: without(shape, axisOf(args)) };
    },
    strided: ({ shape, strides }, args) => {
      const axis = axisOf(args);
      return {
        shape: without(shape, axis),
        strides: without(strides, axis),
        offset: (indexOf(args) as number) * strides[axis],
      };
    },
  },
];
