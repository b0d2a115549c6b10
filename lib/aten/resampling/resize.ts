import type { Arguments, Dim } from '../../graph/index.ts';
import { pickStep } from '../movement/pick.ts';
import type { OperatorDefinition, Step, TensorLike } from '../registry.ts';
import { normalizeAxis } from '../shape-rules.ts';
import {
  type Coordinates,
  coordinateModes,
  nearestTo,
  placesOf,
  type ResizedAxis,
  type Rounding,
  roundingModes,
} from './coordinates.ts';
import { checkResampled } from './resampled.ts';
import { cubic, linear, tapsAttributes, tapsOf } from './taps.ts';

const modes = ['nearest', 'linear', 'cubic'] as const;

/** One of these names. */
function oneOf<T extends string>(args: Arguments<unknown>, what: string, names: readonly T[]): T {
  const name = args.string(what);
  const found = names.find((known) => known === name);
  if (!found)
    throw new Error(`${args.schema.name}: '${what}' must be one of ${names.join(', ')}, got '${name}'`);
  return found;
}

/** The axes, and the list of an argument with an entry for each. */
function axesOf(args: Arguments<{ readonly shape: readonly Dim[] }>): number[] {
  const { name } = args.schema;
  const { length: rank } = args.tensor('self').shape;
  const axes = args.numbers('axes').map((axis) => normalizeAxis(axis, rank, name));
  if (new Set(axes).size < axes.length)
    throw new Error(`${name}: an axis appears twice in [${axes.join(', ')}]`);
  return axes;
}

function entries<T>(values: readonly T[], count: number, what: string, operator: string): readonly T[] {
  if (values.length !== count)
    throw new Error(`${operator}: '${what}' needs ${count} entries, got [${values.join(', ')}]`);
  return values;
}

/** The axes of a call whose extents or places change. */
function resizedAxes(
  args: Arguments<TensorLike>,
): { readonly axis: number; readonly resized: ResizedAxis }[] {
  const { name } = args.schema;
  const axes = axesOf(args);
  const { shape } = args.tensor('self');
  const size = args.numbers('size');
  const scales = args.optionalNumbers('scales');
  const roi = args.optionalNumbers('roi') ?? axes.flatMap(() => [0]).concat(axes.map(() => 1));
  entries(roi, 2 * axes.length, 'roi', name);
  const crops = oneOf(args, 'coordinates', coordinateModes) === 'tf_crop_and_resize';
  return axes
    .map((axis, i) => {
      const scale = scales ? scales[i] : size[i] / shape[axis];
      return {
        axis,
        resized: { from: shape[axis], to: size[i], scale, crop: [roi[i], roi[axes.length + i]] as const },
      };
    })
    .filter(({ resized: { from, to, scale } }) => crops || from !== to || scale !== 1);
}

function resizeStep<T extends TensorLike>(args: Arguments<T>): Step<T> {
  const self = args.tensor('self');
  const mode = oneOf(args, 'mode', modes);
  const coordinates: Coordinates = oneOf(args, 'coordinates', coordinateModes);
  const rounding: Rounding = oneOf(args, 'nearest', roundingModes);
  const axes = resizedAxes(args);
  const extrapolation = args.number('extrapolation');
  if (axes.length === 0) return { op: 'copy', inputs: [self], attributes: {} };
  if (mode === 'nearest') {
    const tables = self.shape.map((_, at) => {
      const found = axes.find(({ axis }) => axis === at);
      return found && nearestTo(placesOf(found.resized, coordinates), rounding, found.resized.from);
    });
    return pickStep(self, tables, extrapolation);
  }
  const filter = mode === 'linear' ? linear : cubic(args.number('cubic_coeff'));
  const antialias = args.bool('antialias');
  const passes = axes.map(({ axis, resized }) =>
    tapsAttributes(
      tapsOf({
        axis,
        extent: resized.from,
        positions: placesOf(resized, coordinates),
        filter,
        stretch: antialias ? Math.max(1 / resized.scale, 1) : 1,
        excludesOutside: args.bool('exclude_outside'),
      }),
    ),
  );
  return { op: 'resample', inputs: [self], attributes: { passes, outside: extrapolation } };
}

/**
 * ONNX's `Resize`, with its names of modes. `axes` are resized to `size`; `scales`, if given, say where the new
 * positions are, `roi` holds the starts of a crop, then its ends, for `tf_crop_and_resize`. Interpolation is of float32
 * or bfloat16; the nearest element is copied for any dtype.
 */
export const resizes: readonly OperatorDefinition[] = [
  {
    schema:
      'octavo::resize(Tensor self, int[] axes, SymInt[] size, *, float[]? scales=None, float[]? roi=None, str mode="nearest", str coordinates="half_pixel", str nearest="round_prefer_floor", float cubic_coeff=-0.75, bool exclude_outside=False, bool antialias=False, float extrapolation=0.0) -> Tensor',
    infer: (args) => {
      const { name } = args.schema;
      const { dtype, shape } = args.tensor('self');
      const axes = axesOf(args);
      const size = entries(args.dims('size'), axes.length, 'size', name);
      const scales = args.optionalNumbers('scales');
      if (scales) entries(scales, axes.length, 'scales', name);
      if (scales?.some((scale) => !(scale > 0)))
        throw new Error(`${name}: scales must be positive, got [${scales.join(', ')}]`);
      if (oneOf(args, 'mode', modes) !== 'nearest') checkResampled(dtype, name);
      for (const [i, axis] of axes.entries())
        if ([size[i], shape[axis]].some((extent) => typeof extent === 'number' && extent < 1))
          throw new Error(`${name}: axis ${axis} cannot be resized from ${shape[axis]} to ${size[i]}`);
      return { dtype, shape: shape.map((extent, i) => (axes.includes(i) ? size[axes.indexOf(i)] : extent)) };
    },
    samples: (args) => (axesOf(args).includes(0) ? [] : ['self']),
    step: resizeStep,
  },
];
