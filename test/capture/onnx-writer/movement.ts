import { Tensor } from '../../../lib/tensor/index.ts';
import { type Case, ofOne } from './case.ts';

const shapes: readonly Case[] = [
  [
    'views',
    (b) => {
      const x = b.x([2, 3, 4]);
      return [
        b.call('aten.view.default', x, [6, -1]),
        b.call('aten.reshape.default', x, [4, 6]),
        b.call('aten._unsafe_view.default', x, [24]),
        b.call('aten._reshape_alias.default', x, [8, 3], [3, 1]),
        b.call('aten.unflatten.int', x, 2, [2, -1]),
        b.call('aten.view_as.default', x, b.x([12, 2])),
        b.call('aten.reshape_as.default', x, b.x([1, 24])),
        b.call('aten.ravel.default', x),
        b.call('aten.flatten.using_ints', x, 1),
        b.call('aten.flatten.using_ints', x, 0, 1),
        b.call('aten.view_copy.default', x, [3, 8]),
      ];
    },
  ],
  ['views of nothing', (b) => b.call('aten.view.default', b.x([0, 4]), [2, 0]), { withoutRuntime: [13, 21] }],
  [
    'at least so many dimensions',
    (b) => [1, 2, 3].map((n) => b.call(`aten.atleast_${n}d.default`, b.x([5].slice(n - 2)))),
  ],
  [
    'squeeze and unsqueeze',
    (b) => {
      const x = b.x([1, 3, 1, 4]);
      return [
        b.call('aten.squeeze.default', x),
        b.call('aten.squeeze.dim', x, -2),
        b.call('aten.squeeze.dims', x, [0, 1, 2]),
        b.call('aten.squeeze.dim', x, 1),
        b.call('aten.unsqueeze.default', x, -1),
      ];
    },
  ],
  [
    'permutations',
    (b) => {
      const [x, matrix] = [b.x([2, 3, 4]), b.x([2, 3])];
      return [
        b.call('aten.permute.default', x, [2, 0, -2]),
        b.call('aten.transpose.int', x, -1, 0),
        b.call('aten.swapdims.default', x, 0, 1),
        b.call('aten.swapaxes.default', x, 1, 2),
        b.call('aten.numpy_T.default', x),
        ...['mT', 'mH', 'adjoint'].map((name) => b.call(`aten.${name}.default`, x)),
        ...['t', 'matrix_H'].map((name) => b.call(`aten.${name}.default`, matrix)),
        b.call('aten.movedim.int', x, 0, 2),
        b.call('aten.movedim.intlist', x, [0, 1], [2, 0]),
        b.call('aten.moveaxis.int', x, 2, 0),
        b.call('aten.moveaxis.intlist', x, [2], [0]),
      ];
    },
  ],
  ...ofOne(
    [
      'contiguous',
      'clone',
      'alias',
      'detach',
      'resolve_conj',
      'resolve_neg',
      'lift',
      'lift_fresh',
      'lift_fresh_copy',
    ].map((name) => `${name}.default`),
    (b, target) => b.call(target, b.x([3])),
  ),
  [
    'dropout',
    (b) => ['dropout', 'feature_dropout'].map((name) => b.call(`aten.${name}.default`, b.x([3]), 0.5, false)),
  ],
  [
    'casts',
    (b) => {
      const x = b.x([6], -5, 5);
      const dtypes = ['int32', 'int64', 'float64', 'bool', 'int8', 'uint8'];
      return [
        ...dtypes.map((dtype) => b.call('aten.to.dtype', dtype === 'uint8' ? b.x([4], 0, 9) : x, dtype)),
        b.with('aten._to_copy.default', [x], { dtype: 'int16' }),
        b.call('prims.convert_element_type.default', x, 'int32'),
        b.call('quantized_decomposed.convert_element_type.no_fuse', x, 'int64'),
      ];
    },
  ],
  [
    'expand',
    (b) => {
      const x = b.x([3, 1]);
      return [
        b.call('aten.expand.default', x, [2, -1, 4]),
        b.call('aten.broadcast_to.default', x, [3, 5]),
        b.call('aten.expand_as.default', x, b.x([3, 2])),
      ];
    },
  ],
];

const movement: readonly Case[] = [
  ...ofOne(['cat.default', 'concat.default', 'concatenate.default'], (b, target) =>
    b.call(target, [b.x([2, 3]), b.x([2, 1]), b.x([2, 4])], -1),
  ),
  [
    'parts of sizes',
    (b) => {
      const x = b.x([7, 4]);
      return [
        ...b.results('aten.split.Tensor', x, 3),
        ...b.results('aten.split.sizes', x, [1, 6]),
        ...b.results('aten.split_with_sizes.default', x, [3, 1], 1),
        ...b.results('aten.unsafe_split.Tensor', x, 3),
        ...b.results('aten.unsafe_split_with_sizes.default', x, [3, 1], 1),
        ...b.results('aten.chunk.default', x, 3),
        ...b.results('aten.unsafe_chunk.default', x, 3),
        ...b.results('aten.tensor_split.sections', x, 3),
        ...b.results('aten.tensor_split.indices', x, [2, 5]),
        ...b.results('aten.unbind.int', x, 1),
      ];
    },
  ],
  [
    'parts along columns, rows, depth',
    (b) => {
      const x = b.x([2, 4, 6]);
      return ['hsplit', 'vsplit', 'dsplit'].flatMap((name) => [
        ...b.results(`aten.${name}.int`, x, 2),
        ...b.results(`aten.${name}.array`, x, [1]),
      ]);
    },
  ],
  [
    'select, slice, narrow',
    (b) => {
      const x = b.x([5, 6]);
      return [
        b.call('aten.select.int', x, 1, -2),
        b.call('aten.slice.Tensor', x, 1, 1, -1, 2),
        b.call('aten.slice.Tensor', x, 0, -3),
        b.call('aten.slice.Tensor', x, 0, null, 99),
        b.call('aten.narrow.default', x, 0, -3, 2),
      ];
    },
  ],
  [
    'flips',
    (b) => {
      const x = b.x([3, 4, 2]);
      return [
        b.call('aten.flip.default', x, [0, -1]),
        b.call('aten.flipud.default', x),
        b.call('aten.fliplr.default', x),
      ];
    },
  ],
  [
    'roll',
    (b) => [
      b.call('aten.roll.default', b.x([5]), [2]),
      b.call('aten.roll.default', b.x([3, 4]), [-1, 6], [0, 1]),
    ],
  ],
  [
    'repeats',
    (b) => {
      const x = b.x([2, 3]);
      return [
        b.call('aten.repeat.default', x, [2, 1, 3]),
        b.call('aten.tile.default', x, [2]),
        b.call('aten.repeat_interleave.self_int', x, 3, 1),
        b.call('aten.repeat_interleave.self_int', b.x([4]), 2),
      ];
    },
  ],
  [
    'partial writes',
    (b) => {
      const x = b.x([5, 6]);
      return [
        b.call('aten.slice_scatter.default', x, b.x([2, 6]), 0, 1, 3),
        b.call('aten.slice_scatter.default', x, b.x([5, 2]), 1, -4, null, 2),
        b.call('aten.slice_scatter.default', x, b.x([5, 6]), 0),
        b.call('aten.select_scatter.default', x, b.x([5]), 1, -2),
      ];
    },
  ],
  [
    'windows',
    (b) => {
      const x = b.x([2, 7]);
      return [
        b.call('aten.unfold.default', x, 1, 3, 2),
        b.call('aten.as_strided.default', b.x([12]), [3, 2], [2, 3], 1),
        b.call('octavo.windows.default', b.x([1, 2, 6, 7]), [2, 3], [2, 1], [1, 2]),
        b.call('aten.diagonal.default', b.x([3, 4])),
        b.call('aten.diagonal.default', b.x([2, 4, 3]), -1, 1, 2),
      ];
    },
  ],
  [
    'triangles',
    (b) =>
      [-1, 0, 2].flatMap((diagonal) =>
        ['tril', 'triu'].map((name) => b.call(`aten.${name}.default`, b.x([2, 3, 4]), diagonal)),
      ),
  ],
  [
    'fold_windows',
    (b) => b.call('octavo.fold_windows.default', b.x([2, 3, 2, 2, 4, 5]), [5, 6], [1, 1], [0, 0], [1, 1]),
    { refused: { 13: /ONNX has Col2Im since operator set 18/ } },
  ],
  [
    'padding with a number',
    (b) => [
      b.call('aten.constant_pad_nd.default', b.x([2, 3]), [1, 2], 0.5),
      b.call('aten.constant_pad_nd.default', b.x([3, 4]), [-1, 2, 1, -1]),
      b.with('aten.pad.default', [b.x([2, 3]), [1, 1]], { value: 3 }),
      b.call('aten.constant_pad_nd.default', b.x([4], -9, 9, 'int64'), [1, 0], 7),
    ],
  ],
  [
    'padding with own elements',
    (b) => [
      ...['reflect', 'replicate', 'circular'].map((mode) =>
        b.call('aten.pad.default', b.x([1, 2, 4, 5]), [1, 2, 3, 0], mode),
      ),
      ...['reflection', 'replication'].flatMap((name) =>
        [1, 2, 3].map((n) =>
          b.call(`aten.${name}_pad${n}d.default`, b.x([2, 3, 4, 5].slice(3 - n)), Array(2 * n).fill(1)),
        ),
      ),
      b.call('aten.replication_pad1d.default', b.x([2, 3, 5]), [-1, 2]),
      b.call('aten._pad_circular.default', b.x([1, 1, 4]), [3, 4]),
    ],
  ],
];

const creation: readonly Case[] = [
  [
    'filled tensors',
    (b) => {
      const x = b.x([2, 3]);
      return [
        ...['zeros', 'ones'].flatMap((name) => [
          b.call(`aten.${name}.default`, [2, 2]),
          b.call(`aten.${name}_like.default`, x),
          b.call(`aten.new_${name}.default`, x, [3]),
        ]),
        b.call('aten.empty.memory_format', [2]),
        b.call('aten.empty_like.default', x),
        b.call('aten.empty_strided.default', [2, 3], [1, 2]),
        b.call('aten.new_empty.default', x, [2]),
        b.call('aten.full.default', [2, 3], 7),
        b.with('aten.full.default', [[2], 2.5], { dtype: 'float32' }),
        b.call('aten.full_like.default', x, 3),
        b.call('aten.new_full.default', x, [2], 4),
        b.call('aten.scalar_tensor.default', 2.5),
        b.call('aten.fill.Scalar', x, 2),
        b.call('aten.fill.Tensor', x, b.constant('value', Tensor.scalar('float32', 5))),
        b.call('aten.zero.default', x),
      ];
    },
  ],
  [
    'ranges',
    (b) => [
      b.call('aten.arange.default', 5),
      b.call('aten.arange.start', 2, 5.5),
      b.call('aten.arange.start_step', 9, 1, -2),
      b.call('aten.linspace.default', -1, 1, 7),
    ],
  ],
];

/** Operators that move elements, and make them. */
export const movementCases: readonly Case[] = [...shapes, ...movement, ...creation];
