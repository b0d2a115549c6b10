import { type Arguments, type Dim, floorDivDims, mulDims, SymFloat, truncate } from '../../graph/index.ts';
import { pickStep } from '../movement/pick.ts';
import type { NativeDefinition, OperatorDefinition, Step, TensorLike } from '../registry.ts';
import { type Axis, type Method, type MethodName, methods, nearestTable } from './methods.ts';
import { checkResampled } from './resampled.ts';
import { tapsAttributes } from './taps.ts';

/** PyTorch's interpolation (`torch.nn.functional.interpolate`): images [N, C, ...] of another size. */

/** A call's target: the new extents, and the factors that it names. */
export interface Target {
  readonly size: readonly Dim[];
  readonly factors: readonly (number | undefined)[];
}

/** The new extent. */
function scaled(extent: Dim, factor: number): Dim {
  if (typeof extent === 'number') return Math.floor(extent * factor);
  if (Number.isInteger(factor)) return mulDims(extent, factor);
  if (Number.isInteger(1 / factor)) return floorDivDims(extent, 1 / factor);
  return truncate(new SymFloat(`${factor}*${extent}`));
}

/** The target in the arguments of an overload: `.vec` has sizes or factors, the other sizes and factors beside. */
export function targetOf(args: Arguments<unknown>, shape: readonly Dim[]): Target {
  const { name } = args.schema;
  const spatial = Number(/(\d)d/.exec(name)![1]);
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

/** Copies the nearest element. */
const picked =
  (offset: number): Interpolate =>
  (images, axes) =>
    pickStep(images, [undefined, undefined, ...axes.map((axis) => nearestTable(axis, offset))]);

const summed =
  (method: Method): Interpolate =>
  (images, axes, args) => {
    const alignsCorners = args.bool('align_corners');
    const passes = axes.map((axis, i) => tapsAttributes(method(axis, 2 + i, alignsCorners)));
    return { op: 'resample', inputs: [images], attributes: { passes } };
  };

interface Interpolation {
  readonly name: string;
  readonly spatial: number;
  readonly method: MethodName;
}

/** The operators of one overload each; the other is `.vec`. */
const all: readonly Interpolation[] = [
  ...[1, 2, 3].flatMap((spatial): Interpolation[] => [
    { name: `upsample_nearest${spatial}d`, spatial, method: 'nearest' },
    { name: `_upsample_nearest_exact${spatial}d`, spatial, method: 'nearest_exact' },
  ]),
  { name: 'upsample_linear1d', spatial: 1, method: 'linear' },
  { name: 'upsample_bilinear2d', spatial: 2, method: 'linear' },
  { name: 'upsample_trilinear3d', spatial: 3, method: 'linear' },
  { name: 'upsample_bicubic2d', spatial: 2, method: 'cubic' },
  { name: '_upsample_bilinear2d_aa', spatial: 2, method: 'linear_antialiased' },
  { name: '_upsample_bicubic2d_aa', spatial: 2, method: 'cubic_antialiased' },
];

/** How an operator interpolates, by its name. */
export const interpolationMethods: ReadonlyMap<string, MethodName> = new Map(
  all.flatMap(({ name, method }) =>
    ['default', 'vec'].map((overload) => [`aten.${name}.${overload}`, method] as const),
  ),
);

/** The images of a call: the overloads call them otherwise. */
export const imagesOf = (args: Arguments<unknown>): 'self' | 'input' =>
  args.schema.name.endsWith('.vec') ? 'input' : 'self';

/** Both overloads of an operator on images. */
function overloads({ name, spatial, method }: Interpolation): NativeDefinition[] {
  const isNearest = method === 'nearest' || method === 'nearest_exact';
  const step = isNearest ? picked(method === 'nearest' ? 0 : 0.5) : summed(methods[method]);
  const flag = isNearest ? '' : 'bool align_corners, ';
  const factors = spatial === 1 ? ['scales'] : factorNames.slice(3 - spatial);
  const plain = factors.map((factor) => `float? ${factor}=None`).join(', ');
  const schemas = [
    `aten::${name}(Tensor self, SymInt[${spatial}] output_size, ${flag}${plain}) -> Tensor`,
    `aten::${name}.vec(Tensor input, SymInt[]? output_size, ${flag}float[]? scale_factors) -> Tensor`,
  ];
  return schemas.map((schema) => ({
    schema,
    infer: (args) => {
      const { dtype, shape } = args.tensor(imagesOf(args));
      if (!isNearest) checkResampled(dtype, args.schema.name);
      return { dtype, shape: [...shape.slice(0, 2), ...targetOf(args, shape).size] };
    },
    samples: (args) => [imagesOf(args)],
    step: <T extends TensorLike>(args: Arguments<T>) => {
      const images = args.tensor(imagesOf(args));
      const { size, factors } = targetOf(args, images.shape);
      const axes = size.map((to, i) => ({
        from: images.shape[2 + i],
        to: to as number,
        factor: factors[i],
      }));
      return step(images, axes, args);
    },
  }));
}

/** Operators that interpolate images. */
export const interpolations: readonly OperatorDefinition[] = all.flatMap(overloads);
