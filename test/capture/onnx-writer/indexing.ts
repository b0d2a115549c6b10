import { Tensor } from '../../../lib/tensor/index.ts';
import { type Case, type CaseOptions, ofOne } from './case.ts';

const indices = (values: readonly number[], shape?: readonly number[]) => Tensor.from('int64', values, shape);

const indexing: readonly Case[] = [
  [
    'gather',
    (b) => b.call('aten.gather.default', b.x([3, 4]), 1, b.given(indices([0, 3, 1, 2, 2, 0], [3, 2]))),
  ],
  [
    'take_along_dim',
    (b) => b.call('aten.take_along_dim.default', b.x([3, 4]), b.given(indices([2, 0], [2, 1])), 0),
  ],
  [
    'index_select',
    (b) => [
      b.call('aten.index_select.default', b.x([3, 4]), 1, b.given(indices([3, 1, 1]))),
      b.call('aten.index_select.default', b.x([3, 4]), 0, b.constant('rows', indices([2, 0]))),
    ],
  ],
  [
    'embedding',
    (b) =>
      b.call('aten.embedding.default', b.parameter('table', [5, 3]), b.given(indices([4, 0, 1, 1], [2, 2]))),
  ],
  ...(['index', '_unsafe_index'] as const).map(
    (name): Case => [
      name,
      (b) => {
        const [i, j] = [b.given(indices([1, 0, 2])), b.given(indices([0, 3], [2, 1]))];
        const x = b.x([3, 4, 5]);
        return [
          b.call(`aten.${name}.Tensor`, x, [i]),
          b.call(`aten.${name}.Tensor`, x, [i, j]),
          b.call(`aten.${name}.Tensor`, x, [null, i, j]),
          b.call(`aten.${name}.Tensor`, x, [i, null, j]),
        ];
      },
    ],
  ),
  ['one_hot', (b) => b.call('aten.one_hot.default', b.given(indices([1, 0, 3, 2], [2, 2])), 4)],
  ...ofOne(
    [
      'embedding_bag.default',
      'embedding_bag.padding_idx',
      '_embedding_bag.default',
      '_embedding_bag_forward_only.default',
    ],
    (b, target) => {
      const bags = [
        b.parameter('table', [6, 3]),
        b.given(indices([5, 0, 1, 1, 2])),
        b.given(indices([0, 2, 2])),
      ];
      const rest = target.includes('padding_idx') ? [null, false, -1] : [];
      return [0, 1, 2].map((mode) => b.results(target, ...bags, false, mode, false, ...rest)[0]);
    },
  ),
  [
    'embedding_bag, weighted, with the last offset',
    (b) =>
      b.results(
        'aten.embedding_bag.default',
        b.parameter('table', [6, 3]),
        b.given(indices([5, 0, 1, 1])),
        b.given(indices([0, 3, 4])),
        false,
        0,
        false,
        b.x([4]),
        true,
      )[0],
  ],
];

const since16: CaseOptions = { refused: { 13: /since operator set (16|18): export with/ } };

const scattering: readonly Case[] = [
  [
    'scatter',
    (b) => {
      const index = b.given(indices([0, 2, 1, 0, 2, 1], [2, 3]));
      return [
        b.call('aten.scatter.src', b.x([3, 3]), 0, index, b.x([3, 4])),
        b.call('aten.scatter.value', b.x([3, 3]), 0, index, 7),
      ];
    },
  ],
  [
    'scatter with reductions',
    (b) => {
      const [x, index, src] = [b.x([4, 3]), b.given(indices([0, 2, 1, 0, 2, 1], [2, 3])), b.x([2, 3])];
      return [
        b.call('aten.scatter_add.default', x, 0, index, src),
        b.with('aten.scatter.reduce', [x, 0, index, src], { reduce: 'multiply' }),
        b.with('aten.scatter.value_reduce', [x, 0, index, 3], { reduce: 'add' }),
        ...['sum', 'prod', 'mean', 'amax', 'amin'].flatMap((reduce) =>
          [true, false].map((include_self) =>
            b.with('aten.scatter_reduce.two', [x, 0, index, src, reduce], { include_self }),
          ),
        ),
      ];
    },
    since16,
  ],
  [
    'rows',
    (b) => {
      const [x, index] = [b.x([4, 3]), b.given(indices([2, 0]))];
      return [
        b.call('aten.index_copy.default', x, 0, index, b.x([2, 3])),
        b.call('aten.index_fill.int_Scalar', x, 1, index, -3),
        b.call('aten.index_fill.int_Tensor', x, 0, index, b.constant('value', Tensor.scalar('float32', 5))),
      ];
    },
  ],
  [
    'rows with reductions',
    (b) => {
      const [x, index, src] = [b.x([4, 3]), b.given(indices([2, 0, 2])), b.x([3, 3])];
      return [
        b.call('aten.index_add.default', x, 0, index, src),
        ...['prod', 'mean', 'amax', 'amin'].map((reduce) =>
          b.call('aten.index_reduce.default', x, 0, index, src, reduce),
        ),
      ];
    },
    since16,
  ],
  ...(['index_put', '_unsafe_index_put'] as const).map(
    (name): Case => [
      name,
      (b) => {
        const [i, j] = [b.given(indices([1, 0])), b.given(indices([0, 3]))];
        const x = b.x([3, 4, 5]);
        return [
          b.call(`aten.${name}.default`, x, [i, j], b.x([2, 5])),
          b.call(`aten.${name}.default`, x, [null, i], b.x([3, 2, 1])),
          b.call(`aten.${name}.default`, x, [i, null, j], b.x([2, 4])),
        ];
      },
    ],
  ),
  [
    'index_put that adds',
    (b) => b.call('aten.index_put.default', b.x([3, 4]), [b.given(indices([1, 1]))], b.x([2, 4]), true),
    since16,
  ],
];

/** Choices whose number the values decide. */
const choices: readonly Case[] = [
  [
    'nonzero',
    (b) => [
      b.call('aten.nonzero.default', b.x([3, 4], 0, 1, 'int64')),
      b.call('aten.nonzero.default', b.x([5], 0, 1, 'bool')),
    ],
  ],
  [
    'roi_align',
    (b) => {
      const corners = [0, 1, 6, 5, 1, 0.5, 7, 4];
      const given = [b.x([2, 3, 7, 9]), b.of('float32', corners, [2, 4]), b.of('int64', [1, 0])];
      return b.call('octavo.roi_align.default', ...given, 0.5, 3, 2, 2, false);
    },
  ],
  ['nms', (b) => b.call('torchvision.nms.default', b.x([20, 4], 0, 4), b.x([20], 0, 1), 0.4)],
  [
    'non_max_suppression',
    (b) => {
      const given = [
        b.x([2, 9, 4], 0, 4),
        b.x([2, 3, 9], 0, 1),
        b.of('int64', [4], []),
        b.of('float32', [0.3], []),
      ];
      return [
        b.call('octavo.non_max_suppression.default', ...given, null, false, 9),
        b.call('octavo.non_max_suppression.default', ...given, b.of('float32', [0.5], []), true, 9),
      ];
    },
  ],
];

/** Operators that choose elements by their positions, or write to positions. */
export const indexingCases: readonly Case[] = [...indexing, ...scattering, ...choices];
