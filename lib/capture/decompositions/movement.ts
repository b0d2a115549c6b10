import { type Argument, type Arguments, type Dim, dimsEqual, type Node } from '../../graph/index.ts';
import {
  type Add,
  type Call,
  type Decompose,
  type DecompositionDefinition,
  metaOf,
  rankOf,
  sizeOf,
} from './decomposition.ts';

const self = (args: Arguments<Node>): Node => args.tensor('self');
const flattened = (add: Add, node: Node): Node => add('aten.flatten.using_ints', node, 0, -1);
const rankOfSelf = (args: Arguments<Node>): number => rankOf(self(args), args.schema.name);

/** Tensors side by side, each made ready by a call. */
const joined = (args: Arguments<Node>, ready: (node: Node) => Node, axis: (rank: number) => number): Call => {
  const tensors = args.tensors('tensors');
  return [
    'aten.cat.default',
    tensors.map(ready),
    axis(tensors.length > 0 ? rankOf(tensors[0], args.schema.name) : 0),
  ];
};

const stack: Decompose = (add, args) => {
  const axis = args.number('dim');
  return joined(
    args,
    (node) => add('aten.unsqueeze.default', node, axis),
    () => axis,
  );
};

const atLeast = (rank: number, axis: (rank: number) => number): Decompose => {
  const target = `aten.atleast_${rank}d.default`;
  return (add, args) => joined(args, (node) => add(target, node), axis);
};

/** Vectors become columns. */
const columnStack: Decompose = (add, args) =>
  joined(
    args,
    (node) => (rankOf(node, args.schema.name) > 1 ? node : add('aten.view.default', node, [-1, 1])),
    () => 1,
  );

/** Whether only extents of one element are repeated: the result is then a view. */
function repeatsOnes(args: Arguments<Node>): boolean {
  const repeats = args.raw('repeats') as readonly Argument[];
  const { shape } = metaOf(self(args), args.schema.name);
  const added = repeats.length - shape.length;
  return added >= 0 && repeats.every((count, i) => i < added || shape[i - added] === 1 || count === 1);
}

const repeatOnes: Decompose = (_, args) => {
  const repeats = args.raw('repeats') as readonly Argument[];
  const { shape } = metaOf(self(args), args.schema.name);
  const added = repeats.length - shape.length;
  const sizes = repeats.map((count, i) => (i >= added && shape[i - added] !== 1 ? -1 : count));
  return ['aten.expand.default', self(args), sizes];
};

/** A quarter turn is a flip of one axis and a swap of both. */
const rot90: Decompose = (add, args) => {
  const [a, b] = args.numbers('dims');
  switch (((args.number('k') % 4) + 4) % 4) {
    case 1:
      return ['aten.transpose.int', add('aten.flip.default', self(args), [b]), a, b];
    case 2:
      return ['aten.flip.default', self(args), [a, b]];
    case 3:
      return ['aten.transpose.int', add('aten.flip.default', self(args), [a]), a, b];
    default:
      return ['aten.alias.default', self(args)];
  }
};

/** Each vector along an axis of its own, and repeated along the others'. */
function meshgrid(add: Add, args: Arguments<Node>, indexing: string): (() => Call)[] {
  const { name } = args.schema;
  if (indexing !== 'ij' && indexing !== 'xy')
    throw new Error(`${name}: indexing must be 'ij' or 'xy', got '${indexing}'`);
  const tensors = args.tensors('tensors');
  const axisOf = (i: number) => (indexing === 'xy' && i < 2 && tensors.length > 1 ? 1 - i : i);
  const sizes = tensors.map((_, axis) => {
    const tensor = tensors[axisOf(axis)];
    return rankOf(tensor, name) === 0 ? 1 : sizeOf(add, tensor, 0, name);
  });
  return tensors.map((tensor, i) => () => {
    const along = sizes.map((_, axis) => (axis === axisOf(i) ? -1 : 1));
    return ['aten.expand.default', add('aten.view.default', tensor, along), sizes];
  });
}

/** All tensors under the shape that they have together. */
export function broadcast(add: Add, tensors: readonly Node[], name: string): (() => Call)[] {
  const rank = Math.max(0, ...tensors.map((tensor) => rankOf(tensor, name)));
  const extentOf = (tensor: Node, axis: number): Dim => metaOf(tensor, name).shape.at(axis - rank) ?? 1;
  const sizes = Array.from({ length: rank }, (_, axis) => {
    const inside = tensors.filter((tensor) => rankOf(tensor, name) >= rank - axis);
    const longest = inside.find((tensor) => extentOf(tensor, axis) !== 1);
    if (longest === undefined) return 1;
    const extent = extentOf(longest, axis);
    for (const other of inside)
      if (extentOf(other, axis) !== 1 && !dimsEqual(extentOf(other, axis), extent))
        throw new Error(
          `${name}: extents ${extent} and ${extentOf(other, axis)} of axis ${axis} do not broadcast`,
        );
    return sizeOf(add, longest, rankOf(longest, name) - rank + axis, name);
  });
  return tensors.map((tensor) => () => ['aten.expand.default', tensor, sizes]);
}

/** Another tensor's elements, under the first one's shape and dtype. */
const copy: Decompose = (add, args) => {
  const { name } = args.schema;
  const src = args.tensor('src');
  const { dtype } = metaOf(self(args), name);
  const cast = metaOf(src, name).dtype === dtype ? src : add('aten.to.dtype', src, dtype);
  return ['aten.expand_as.default', cast, self(args)];
};

/** The number of a region's image is the first of its five numbers. */
const roiAlign: Decompose = (add, args) => {
  const rois = args.tensor('rois');
  const images = add('aten.to.dtype', add('aten.select.int', rois, 1, 0), 'int64');
  const sizes = ['spatial_scale', 'pooled_height', 'pooled_width', 'sampling_ratio'];
  return [
    'octavo.roi_align.default',
    args.tensor('input'),
    add('aten.slice.Tensor', rois, 1, 1, 5),
    images,
    ...sizes.map((name) => args.number(name)),
    args.bool('aligned'),
  ];
};

/** The one index that is a mask, and its axis. */
function maskOf(args: Arguments<Node>): { readonly mask: Node; readonly axis: number } | undefined {
  const given = (args.raw('indices') as readonly (Node | null)[]).flatMap((mask, axis) =>
    mask ? [{ mask, axis }] : [],
  );
  const [first] = given;
  return given.length === 1 && metaOf(first.mask, args.schema.name).dtype === 'bool' ? first : undefined;
}

/** Whether one value is written wherever a mask is true. */
function writesByMask(args: Arguments<Node>): boolean {
  const isOne = metaOf(args.tensor('values'), args.schema.name).shape.every((extent) => extent === 1);
  return isOne && !args.bool('accumulate') && maskOf(args) !== undefined;
}

const whereMasked: Decompose = (add, args) => {
  const { name } = args.schema;
  const { mask, axis } = maskOf(args)!;
  let wide = mask;
  for (let i = axis + rankOf(mask, name); i < rankOfSelf(args); i++)
    wide = add('aten.unsqueeze.default', wide, -1);
  return ['aten.where.self', wide, add('aten.view.default', args.tensor('values'), []), self(args)];
};

/**
 * The source's elements, in order, to the places where the mask is true: each place reads the element that as many true
 * places are before.
 */
const maskedScatter: Decompose = (add, args) => {
  const mask = add('aten.expand_as.default', args.tensor('mask'), self(args));
  const counts = add('aten.cumsum.default', flattened(add, add('aten.to.dtype', mask, 'int64')), 0);
  // Before the first true place there is no element: what is read there is not written.
  const positions = add('aten.clamp_min.default', add('aten.sub.Scalar', counts, 1), 0);
  const elements = add('aten.index_select.default', flattened(add, args.tensor('source')), 0, positions);
  return ['aten.where.self', mask, add('aten.view_as.default', elements, self(args)), self(args)];
};

/** Of a tensor that is stored row by row: its elements in one row, which the operator reads under any strides. */
const asStrided: Decompose = (add, args) => [
  'aten.as_strided.default',
  flattened(add, self(args)),
  ...['size', 'stride', 'storage_offset'].map((name) => args.raw(name) as Argument),
];

/** Dropout in evaluation mode returns its input, and that it kept everything. */
function nativeDropout(_: Add, args: Arguments<Node>): (() => Call)[] {
  const input = args.tensor('input');
  return [
    () => ['aten.dropout.default', input, args.number('p'), args.isNone('train') || args.bool('train')],
    () => ['aten.ones_like.default', input, 'bool'],
  ];
}

const needsFlat = (name: string) => (args: Arguments<Node>) => {
  const axes = args.raw(name);
  return (axes === null || (Array.isArray(axes) && axes.length === 0)) && rankOfSelf(args) !== 1;
};

/** Operators that move elements, as others of them. */
export const movementDecompositions: readonly DecompositionDefinition[] = [
  { schema: 'aten::stack(Tensor[] tensors, int dim=0) -> Tensor', decompose: stack },
  {
    schema: 'aten::hstack(Tensor[] tensors) -> Tensor',
    decompose: atLeast(1, (rank) => (rank > 1 ? 1 : 0)),
  },
  ...['vstack', 'row_stack'].map((name) => ({
    schema: `aten::${name}(Tensor[] tensors) -> Tensor`,
    decompose: atLeast(2, () => 0),
  })),
  { schema: 'aten::dstack(Tensor[] tensors) -> Tensor', decompose: atLeast(3, () => 2) },
  { schema: 'aten::column_stack(Tensor[] tensors) -> Tensor', decompose: columnStack },
  {
    schema: 'aten::repeat(Tensor self, SymInt[] repeats) -> Tensor',
    applies: repeatsOnes,
    decompose: repeatOnes,
  },
  { schema: 'aten::rot90(Tensor self, int k=1, int[] dims=[0,1]) -> Tensor', decompose: rot90 },
  {
    schema: 'aten::roll(Tensor self, SymInt[1] shifts, int[1] dims=[]) -> Tensor',
    applies: needsFlat('dims'),
    decompose: (add, args) => {
      const rolled = add(
        'aten.roll.default',
        flattened(add, self(args)),
        args.raw('shifts') as Argument,
        [0],
      );
      return ['aten.view_as.default', rolled, self(args)];
    },
  },
  {
    schema:
      'aten::repeat_interleave.self_int(Tensor self, SymInt repeats, int? dim=None, *, SymInt? output_size=None) -> Tensor',
    applies: needsFlat('dim'),
    decompose: (add, args) => [
      'aten.repeat_interleave.self_int',
      flattened(add, self(args)),
      args.raw('repeats') as Argument,
      0,
    ],
  },
  {
    schema: 'aten::take(Tensor self, Tensor index) -> Tensor',
    decompose: (add, args) => ['aten.index.Tensor', flattened(add, self(args)), [args.tensor('index')]],
  },
  {
    schema: 'aten::take_along_dim(Tensor self, Tensor indices, int? dim=None) -> Tensor',
    applies: (args) => args.isNone('dim'),
    decompose: (add, args) => [
      'aten.gather.default',
      flattened(add, self(args)),
      0,
      flattened(add, args.tensor('indices')),
    ],
  },
  {
    schema: 'aten::meshgrid(Tensor[] tensors) -> Tensor[]',
    results: (add, args) => meshgrid(add, args, 'ij'),
  },
  {
    schema: 'aten::meshgrid.indexing(Tensor[] tensors, *, str indexing) -> Tensor[]',
    results: (add, args) => meshgrid(add, args, args.string('indexing')),
  },
  {
    schema: 'aten::broadcast_tensors(Tensor[] tensors) -> Tensor[]',
    results: (add, args) => broadcast(add, args.tensors('tensors'), args.schema.name),
  },
  {
    schema:
      'aten::to.device(Tensor(a) self, Device device, ScalarType dtype, bool non_blocking=False, bool copy=False, MemoryFormat? memory_format=None) -> Tensor(a)',
    decompose: (_, args) => ['aten.to.dtype', self(args), args.raw('dtype') as Argument],
  },
  {
    schema:
      'torchvision::roi_align(Tensor input, Tensor rois, float spatial_scale, SymInt pooled_height, SymInt pooled_width, int sampling_ratio, bool aligned) -> Tensor',
    decompose: roiAlign,
  },
  ...['copy', 'copy_'].map((name) => ({
    schema: `aten::${name}(Tensor self, Tensor src, bool non_blocking=False) -> Tensor`,
    decompose: copy,
  })),
  {
    schema: 'aten::index_add(Tensor self, int dim, Tensor index, Tensor source, *, Scalar alpha=1) -> Tensor',
    applies: (args) => args.number('alpha') !== 1,
    decompose: (add, args) => [
      'aten.index_add.default',
      self(args),
      args.number('dim'),
      args.tensor('index'),
      add('aten.mul.Scalar', args.tensor('source'), args.number('alpha')),
    ],
  },
  {
    schema: 'aten::masked_scatter(Tensor self, Tensor mask, Tensor source) -> Tensor',
    decompose: maskedScatter,
  },
  {
    schema:
      'aten::as_strided(Tensor(a) self, SymInt[] size, SymInt[] stride, SymInt? storage_offset=None) -> Tensor(a)',
    applies: (args) => rankOfSelf(args) !== 1,
    decompose: asStrided,
  },
  {
    schema: 'aten::native_dropout(Tensor input, float p, bool? train) -> (Tensor, Tensor)',
    results: nativeDropout,
  },
  ...['index_put', 'index_put_'].map((name) => ({
    schema: `aten::${name}(Tensor self, Tensor?[] indices, Tensor values, bool accumulate=False) -> Tensor`,
    applies: writesByMask,
    decompose: whereMasked,
  })),
];
