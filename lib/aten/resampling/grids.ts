import { type Arguments, type Dim, dimsEqual, type TensorMeta } from '../../graph/index.ts';
import type { NativeDefinition, OperatorDefinition, TensorLike } from '../registry.ts';

/** PyTorch's numbers for these. */
const modes = ['bilinear', 'nearest', 'bicubic'];
const paddings = ['zeros', 'border', 'reflection'];

function nameOf<T>(args: Arguments<T>, what: string, names: readonly string[]): string {
  const number = args.number(what);
  if (!names[number])
    throw new Error(
      `${args.schema.name}: ${what} must be ${names.map((name, i) => `${i} (${name})`).join(', ')}, got ${number}`,
    );
  return names[number];
}

function checkFloat({ dtype }: Pick<TensorMeta, 'dtype'>, what: string, operator: string): void {
  if (dtype !== 'float32') throw new Error(`${operator}: ${what} must be float32, got ${dtype}`);
}

/** @param ranks of images that the operator accepts. */
function gridSampler(name: string, ranks: readonly number[]): NativeDefinition {
  return {
    schema: `aten::${name}(Tensor input, Tensor grid, int interpolation_mode, int padding_mode, bool align_corners) -> Tensor`,
    infer: (args) => {
      const { name: operator } = args.schema;
      const [input, grid] = [args.tensor('input'), args.tensor('grid')];
      const { length: rank } = input.shape;
      const fits =
        ranks.includes(rank) &&
        grid.shape.length === rank &&
        dimsEqual(grid.shape[0], input.shape[0]) &&
        grid.shape[rank - 1] === rank - 2;
      if (!fits)
        throw new Error(
          `${operator}: images [${input.shape.join(', ')}] need a grid for each, [N, ..., ${rank - 2}] of as many extents, got [${grid.shape.join(', ')}]`,
        );
      checkFloat(input, 'the images', operator);
      checkFloat(grid, 'the grid', operator);
      nameOf(args, 'interpolation_mode', modes);
      nameOf(args, 'padding_mode', paddings);
      return { dtype: 'float32', shape: [...input.shape.slice(0, 2), ...grid.shape.slice(1, -1)] };
    },
    samples: ['input', 'grid'],
    step: <T extends TensorLike>(args: Arguments<T>) => ({
      op: 'grid_sample',
      inputs: [args.tensor('input'), args.tensor('grid')],
      attributes: {
        mode: nameOf(args, 'interpolation_mode', modes),
        padding: nameOf(args, 'padding_mode', paddings),
        alignCorners: args.bool('align_corners'),
      },
    }),
  };
}

/** Spatial extents of a size [N, C, (D,) H, W]. */
function spatialOf(size: readonly Dim[], operator: string): readonly Dim[] {
  if (size.length !== 4 && size.length !== 5)
    throw new Error(`${operator}: size must be [N, C, (D,) H, W], got [${size.join(', ')}]`);
  return size.slice(2);
}

/** Operators that read images along a grid of places (`torch.nn.functional.grid_sample`), and make such grids. */
export const grids: readonly OperatorDefinition[] = [
  gridSampler('grid_sampler', [4, 5]),
  gridSampler('grid_sampler_2d', [4]),
  gridSampler('grid_sampler_3d', [5]),
  {
    schema: 'aten::affine_grid_generator(Tensor theta, SymInt[] size, bool align_corners) -> Tensor',
    infer: (args) => {
      const { name } = args.schema;
      const theta = args.tensor('theta');
      const size = args.dims('size');
      const spatial = spatialOf(size, name);
      const wanted = [size[0], spatial.length, spatial.length + 1];
      if (!theta.shape.every((dim, i) => dimsEqual(dim, wanted[i])) || theta.shape.length !== 3)
        throw new Error(`${name}: theta must be [${wanted.join(', ')}], got [${theta.shape.join(', ')}]`);
      checkFloat(theta, 'theta', name);
      return { dtype: 'float32', shape: [size[0], ...spatial, spatial.length] };
    },
    samples: ['theta'],
    step: (args) => ({
      op: 'affine_grid',
      inputs: [args.tensor('theta')],
      attributes: { alignCorners: args.bool('align_corners') },
    }),
  },
];
