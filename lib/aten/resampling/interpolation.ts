import { type Arguments, type Dim, floorDivDims, mulDims, SymFloat, truncate } from '../../graph/index.ts';
import { pickStep } from '../movement/pick.ts';
import type { NativeDefinition, OperatorDefinition, Step, TensorLike } from '../registry.ts';
import { checkResampled } from './resampled.ts';
import { cubic, type Filter, linear, tapsAttributes, tapsOf } from './taps.ts';

/** PyTorch's interpolation (`torch.nn.functional.interpolate`): images [N, C, ...] of another size. */

/** An axis to interpolate. `factor` is what the caller asked for, if it said so. */
interface Axis {
  readonly from: number;
  readonly to: number;
  readonly factor: number | undefined;
}

/** A call's target: the new extents, and the factors that it names. */
interface Target {
  readonly size: readonly Dim[];
  readonly factors: readonly (number | undefined)[];
}

const { fround } = Math;

/** How many old positions a new one is wide, in single precision as PyTorch computes it. */
function widthOf({ from, to, factor }: Axis, alignsCorners: boolean): number {
  if (alignsCorners) return to > 1 ? fround((from - 1) / (to - 1)) : 0;
  return factor !== undefined && factor > 0 ? fround(1 / factor) : fround(from / to);
}

/** The new extent. */
function scaled(extent: Dim, factor: number): Dim {
  if (typeof extent === 'number') return Math.floor(extent * factor);
  if (Number.isInteger(factor)) return mulDims(extent, factor);
  if (Number.isInteger(1 / factor)) return floorDivDims(extent, 1 / factor);
  return truncate(new SymFloat(`${factor}*${extent}`));
}

/** The target in the arguments of an overload: `.vec` has sizes or factors, the other sizes and factors beside. */
function targetOf(args: Arguments<unknown>, shape: readonly Dim[], spatial: number): Target {
  const { name } = args.schema;
  if (shape.length !== spatial + 2)
    throw new Error(`${name}: ${spatial + 2} extents [N, C, ...] are needed, got [${shape.join(', ')}]`);
  const target = name.endsWith('.vec') ? vectorTarget(args, shape) : plainTarget(args, spatial);
  if (target.size.length !== spatial)
    throw new Error(`${name}: ${spatial} sizes are needed, got [${target.size.join(', ')}]`);
  for (const extent of [...target.size, ...shape.slice(2)])
    if (typeof extent === 'number' && extent < 1)
      throw new Error(
        `${name}: sizes must be positive, got [${target.size.join(', ')}] from [${shape.slice(2).join(', ')}]`,
      );
  return target;
}

function vectorTarget(args: Arguments<unknown>, shape: readonly Dim[]): Target {
  const { name } = args.schema;
  const factors = args.optionalNumbers('scale_factors');
  if (args.isNone('output_size') === (factors === null))
    throw new Error(`${name}: either output_size or scale_factors must be given`);
  if (factors === null) {
    const size = args.dims('output_size');
    return { size, factors: size.map(() => undefined) };
  }
  return { size: factors.map((factor, i) => scaled(shape[2 + i], factor)), factors };
}

const factorNames = ['scales_d', 'scales_h', 'scales_w'];

function plainTarget(args: Arguments<unknown>, spatial: number): Target {
  const names = spatial === 1 ? ['scales'] : factorNames.slice(3 - spatial);
  return {
    size: args.dims('output_size'),
    factors: names.map((name) => args.optionalNumber(name) ?? undefined),
  };
}

type Interpolate = <T extends TensorLike>(images: T, axes: readonly Axis[], args: Arguments<T>) => Step<T>;

/** Both overloads of an operator on images of that many spatial axes. */
function interpolation(
  name: string,
  spatial: number,
  alignable: boolean,
  check: (dtype: TensorLike['dtype'], operator: string) => void,
  step: Interpolate,
): NativeDefinition[] {
  const flag = alignable ? 'bool align_corners, ' : '';
  const factors = spatial === 1 ? ['scales'] : factorNames.slice(3 - spatial);
  const plain = factors.map((factor) => `float? ${factor}=None`).join(', ');
  const schemas = [
    `aten::${name}(Tensor self, SymInt[${spatial}] output_size, ${flag}${plain}) -> Tensor`,
    `aten::${name}.vec(Tensor input, SymInt[]? output_size, ${flag}float[]? scale_factors) -> Tensor`,
  ];
  return schemas.map((schema, i) => {
    const images = i === 0 ? 'self' : 'input';
    return {
      schema,
      infer: (args) => {
        const { dtype, shape } = args.tensor(images);
        check(dtype, args.schema.name);
        return { dtype, shape: [...shape.slice(0, 2), ...targetOf(args, shape, spatial).size] };
      },
      samples: [images],
      step: <T extends TensorLike>(args: Arguments<T>) => {
        const tensor = args.tensor(images);
        const { size, factors } = targetOf(args, tensor.shape, spatial);
        const axes = size.map((to, at) => ({
          from: tensor.shape[2 + at],
          to: to as number,
          factor: factors[at],
        }));
        return step(tensor, axes, args);
      },
    };
  });
}

/** Copies the nearest element; `offset` is the place within a new position that decides. */
const nearest =
  (offset: number): Interpolate =>
  (images, axes) => {
    const tables = axes.map((axis) => {
      const width = widthOf(axis, false);
      return Array.from({ length: axis.to }, (_, at) =>
        Math.min(Math.floor(fround(fround(at + offset) * width)), axis.from - 1),
      );
    });
    return pickStep(images, [undefined, undefined, ...tables]);
  };

/** The place of a new position among the old ones. */
function placeOf(at: number, width: number, alignsCorners: boolean): number {
  return alignsCorners ? fround(width * at) : fround(fround(width * fround(at + 0.5)) - 0.5);
}

const filtered =
  (filter: Filter): Interpolate =>
  (images, axes, args) => {
    const alignsCorners = args.bool('align_corners');
    return resampleStep(images, axes, (axis) => {
      const width = widthOf(axis, alignsCorners);
      const isSame = axis.from === axis.to && axis.factor === undefined;
      return {
        places: Array.from({ length: axis.to }, (_, at) => (isSame ? at : placeOf(at, width, alignsCorners))),
        filter,
        stretch: 1,
        excludesOutside: false,
      };
    });
  };

/** Where an image shrinks, each new position is an average over its whole width. */
const antialiased =
  (filter: Filter): Interpolate =>
  (images, axes, args) => {
    const alignsCorners = args.bool('align_corners');
    return resampleStep(images, axes, (axis) => {
      const width = widthOf(axis, alignsCorners);
      return {
        // The centre is taken so for aligned corners too.
        places: Array.from({ length: axis.to }, (_, at) => placeOf(at, width, false)),
        filter,
        stretch: Math.max(width, 1),
        excludesOutside: true,
      };
    });
  };

interface AxisRule {
  readonly places: readonly number[];
  readonly filter: Filter;
  readonly stretch: number;
  readonly excludesOutside: boolean;
}

function resampleStep<T extends TensorLike>(
  images: T,
  axes: readonly Axis[],
  rule: (axis: Axis) => AxisRule,
): Step<T> {
  const passes = axes.map((axis, i) => {
    const { places, ...rest } = rule(axis);
    return tapsAttributes(tapsOf({ axis: 2 + i, extent: axis.from, positions: places, ...rest }));
  });
  return { op: 'resample', inputs: [images], attributes: { passes } };
}

const anyDtype = () => {};

/** PyTorch's coefficient; that for antialiasing is the one of Pillow. */
const [plainCubic, smoothCubic] = [cubic(-0.75), cubic(-0.5)];

/** Operators that interpolate images. */
export const interpolations: readonly OperatorDefinition[] = [
  ...[1, 2, 3].flatMap((spatial) => [
    ...interpolation(`upsample_nearest${spatial}d`, spatial, false, anyDtype, nearest(0)),
    ...interpolation(`_upsample_nearest_exact${spatial}d`, spatial, false, anyDtype, nearest(0.5)),
  ]),
  ...interpolation('upsample_linear1d', 1, true, checkResampled, filtered(linear)),
  ...interpolation('upsample_bilinear2d', 2, true, checkResampled, filtered(linear)),
  ...interpolation('upsample_trilinear3d', 3, true, checkResampled, filtered(linear)),
  ...interpolation('upsample_bicubic2d', 2, true, checkResampled, filtered(plainCubic)),
  ...interpolation('_upsample_bilinear2d_aa', 2, true, checkResampled, antialiased(linear)),
  ...interpolation('_upsample_bicubic2d_aa', 2, true, checkResampled, antialiased(smoothCubic)),
];
