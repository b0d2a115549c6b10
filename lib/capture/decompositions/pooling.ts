import { operators } from '../../aten/index.ts';
import { type Argument, type Arguments, type Node, staticDim } from '../../graph/index.ts';
import {
  type Add,
  type Call,
  type DecompositionDefinition,
  metaOf,
  onlyFirstIsUsed,
  rankOf,
} from './decomposition.ts';
import { unbatched } from './unbatched.ts';

/** Pools the last two extents of `[N, C, H, W]`; `axes` are the spatial extents of the volume that they are. */
type PoolImage = (add: Add, image: Node, axes: readonly number[], isLast: boolean) => Node;

/**
 * Windows of a volume are windows down its depth, then windows of the images that result: a maximum of maxima, an average of
 * averages.
 *
 *     pool3d(x [N, C, D, H, W])   ⇒   pool2d([N, C, D', H * W] as [N, C * D', H, W])
 */
function pooledVolume(add: Add, args: Arguments<Node>, pool: PoolImage): Call {
  const { name } = args.schema;
  const given = args.tensor('self');
  const isAlone = rankOf(given, name) === 4;
  const volume = isAlone ? add('aten.unsqueeze.default', given, 0) : given;
  const { shape } = metaOf(volume, name);
  if (shape.length !== 5)
    throw new Error(`${name}: the input must be [N, C, D, H, W] or [C, D, H, W], got [${shape.join(', ')}]`);
  const [channels, , height, width] = shape.slice(1).map((extent) => staticDim(extent, name));
  const columns = pool(add, add('aten.flatten.using_ints', volume, 3, 4), [0], false);
  const planes = add('aten.unflatten.int', columns, 3, [height, width]);
  const images = pool(add, add('aten.flatten.using_ints', planes, 1, 2), [1, 2], true);
  const result: Call = ['aten.unflatten.int', images, 1, [channels, -1]];
  return isAlone ? ['aten.squeeze.dim', add(...result), 0] : result;
}

/** The named list of a call for some axes; of two where there is one, the other has `otherwise`. */
function ofAxes(args: Arguments<Node>, name: string, axes: readonly number[], otherwise: number): number[] {
  const list = args.numbers(name);
  return axes.length === 2 ? axes.map((axis) => list[axis]) : [list[axes[0]], otherwise];
}

function windowsOfVolume(operator: string, rest: (args: Arguments<Node>, isLast: boolean) => Argument[]) {
  return (add: Add, args: Arguments<Node>): Call =>
    pooledVolume(add, args, (_, image, axes, isLast) => {
      const list = (name: string, otherwise: number) => ofAxes(args, name, axes, otherwise);
      const kernel = list('kernel_size', 1);
      const stride = args.numbers('stride').length === 0 ? kernel : list('stride', 1);
      const padding = list('padding', 0);
      const isIdentity =
        [...kernel, ...stride].every((value) => value === 1) && padding.every((p) => p === 0);
      const divides = isLast && args.schema.arguments.some(({ name }) => name === 'divisor_override');
      if (isIdentity && !(divides && !args.isNone('divisor_override'))) return image;
      const dilation = operator === 'aten.max_pool2d.default' ? [list('dilation', 1)] : [];
      return add(operator, image, kernel, stride, padding, ...dilation, ...rest(args, isLast));
    });
}

const maxPool3d = windowsOfVolume('aten.max_pool2d.default', (args) => [args.bool('ceil_mode')]);

const averagePool3d = windowsOfVolume('aten.avg_pool2d.default', (args, isLast) => {
  const divisor = args.optionalNumber('divisor_override');
  return [
    ...[args.bool('ceil_mode'), args.bool('count_include_pad')],
    // The first windows are added up, where the last ones are divided by this.
    divisor === null || isLast ? divisor : 1,
  ];
});

const adaptiveAveragePool3d = (add: Add, args: Arguments<Node>): Call =>
  pooledVolume(add, args, (_, image, axes) => {
    const { shape } = metaOf(image, args.schema.name);
    const sizes = args.numbers('output_size');
    const wanted =
      axes.length === 2
        ? axes.map((axis) => sizes[axis])
        : [sizes[axes[0]], staticDim(shape[3], args.schema.name)];
    return add('aten.adaptive_avg_pool2d.default', image, wanted);
  });

/** Where nobody asks for the positions, there are faster kernels. */
function valuesAlone(axes: number): DecompositionDefinition {
  return {
    schema: operators.get(`aten.max_pool${axes}d_with_indices.default`).definition.schema,
    applies: (_, node) => onlyFirstIsUsed(node),
    decompose: (_, args) => [
      `aten.max_pool${axes}d.default`,
      ...args.schema.arguments.map(({ name }) => args.raw(name) as Argument),
    ],
  };
}

/** The same for even parts, where they are windows of one size. */
function evenMaxima(axes: number): DecompositionDefinition {
  const name = `aten.adaptive_max_pool${axes}d.default`;
  const extentsOf = (args: Arguments<Node>) => metaOf(args.tensor('self'), name).shape.slice(-axes);
  return {
    schema: operators.get(name).definition.schema,
    applies: (args, node) => {
      const extents = extentsOf(args);
      const divide = (size: number, i: number) =>
        size > 0 && typeof extents[i] === 'number' && extents[i] % size === 0;
      return onlyFirstIsUsed(node) && args.numbers('output_size').every(divide);
    },
    decompose: (_, args) => {
      const extents = extentsOf(args) as readonly number[];
      const kernel = args.numbers('output_size').map((size, i) => extents[i] / size);
      return [`aten.max_pool${axes}d.default`, args.tensor('self'), kernel];
    },
  };
}

/** Pooling of volumes, of an image without a batch, and of maxima of which nobody asks for the positions. */
export const poolingDecompositions: readonly DecompositionDefinition[] = [
  ...[1, 2, 3].flatMap((axes) => [
    valuesAlone(axes),
    evenMaxima(axes),
    unbatched(`aten.max_pool${axes}d_with_indices.default`, () => axes),
    unbatched(`aten.adaptive_max_pool${axes}d.default`, () => axes),
  ]),
  ...[1, 2].flatMap((axes) =>
    ['max_pool', 'avg_pool', 'adaptive_avg_pool'].map((name) =>
      unbatched(`aten.${name}${axes}d.default`, () => axes),
    ),
  ),
  {
    schema:
      'aten::max_pool3d(Tensor self, int[3] kernel_size, int[3] stride=[], int[3] padding=0, int[3] dilation=1, bool ceil_mode=False) -> Tensor',
    decompose: maxPool3d,
  },
  {
    schema:
      'aten::avg_pool3d(Tensor self, int[3] kernel_size, int[3] stride=[], int[3] padding=0, bool ceil_mode=False, bool count_include_pad=True, int? divisor_override=None) -> Tensor',
    decompose: averagePool3d,
  },
  {
    schema: 'aten::adaptive_avg_pool3d(Tensor self, SymInt[3] output_size) -> Tensor',
    decompose: adaptiveAveragePool3d,
  },
  {
    schema: 'aten::_adaptive_avg_pool2d(Tensor self, SymInt[2] output_size) -> Tensor',
    decompose: (_, args) => [
      'aten.adaptive_avg_pool2d.default',
      args.tensor('self'),
      args.raw('output_size') as Argument,
    ],
  },
  {
    schema: 'aten::_adaptive_avg_pool3d(Tensor self, SymInt[3] output_size) -> Tensor',
    decompose: adaptiveAveragePool3d,
  },
];
