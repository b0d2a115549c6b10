import type { Case, CaseOptions } from './case.ts';

/** Over all axes, one, several of which the last is kept, and of no dimensions. */
const reductions: readonly Case[] = [
  ...['sum', 'mean'].flatMap((name): Case[] => {
    const target = `aten.${name}.${name === 'sum' ? 'dim_IntList' : 'dim'}`;
    return [
      [`${name} of all`, (b) => b.call(`aten.${name}.default`, b.x([3, 4]))],
      [
        `${name} of axes`,
        (b) => [b.call(target, b.x([2, 3, 4]), [1]), b.call(target, b.x([2, 3, 4]), [-1, 0], true)],
      ],
    ];
  }),
  ['sum of integers', (b) => b.call('aten.sum.dim_IntList', b.x([3, 4], -9, 9, 'int32'), [1])],
  ['sum of bool', (b) => b.call('aten.sum.default', b.x([9], 0, 1, 'bool'))],
  [
    'sum into another dtype',
    (b) => b.with('aten.sum.default', [b.x([9], -9, 9, 'int32')], { dtype: 'float32' }),
  ],
  [
    'prod',
    (b) => [b.call('aten.prod.default', b.x([5])), b.call('aten.prod.dim_int', b.x([3, 4]), -1, true)],
  ],
  ...['amax', 'amin'].flatMap((name): Case[] => [
    [
      name,
      (b) => [
        b.call(`aten.${name}.default`, b.x([2, 3, 4]), [0, 2]),
        b.call(`aten.${name}.default`, b.x([4])),
      ],
    ],
    [`${name} of integers`, (b) => b.call(`aten.${name}.default`, b.x([3, 4], -90, 90, 'int16'), [1], true)],
    [`${name} of bool`, (b) => b.call(`aten.${name}.default`, b.x([3, 4], 0, 1, 'bool'), [1])],
  ]),
  [
    'max and min',
    (b) => [b.call('aten.max.default', b.x([3, 4])), b.call('aten.min.default', b.x([5], -9, 9, 'int64'))],
  ],
  ...['any', 'all'].map(
    (name): Case => [
      name,
      (b) => {
        const x = b.x([3, 2, 2], 0, 1, 'int32');
        const ofAxes = [b.call(`aten.${name}.dim`, x, 1), b.call(`aten.${name}.dims`, x, [0, 2], true)];
        return [b.call(`aten.${name}.default`, x), ...ofAxes];
      },
    ],
  ),
  [
    'count_nonzero',
    (b) => {
      const x = b.x([3, 4], -1, 1, 'int32');
      return [b.call('aten.count_nonzero.default', x), b.call('aten.count_nonzero.dim_IntList', x, [1])];
    },
  ],
  ...['var', 'std'].flatMap((name): Case[] => [
    [
      name,
      (b) => [
        b.call(`aten.${name}.default`, b.x([3, 4])),
        b.call(`aten.${name}.dim`, b.x([3, 4]), [1], false, true),
        b.with(`aten.${name}.correction`, [b.x([2, 3, 4]), [0, 2]], { correction: 2 }),
      ],
    ],
    [
      `${name}_mean`,
      (b) => [
        ...b.results(`aten.${name}_mean.default`, b.x([3, 4])),
        ...b.results(`aten.${name}_mean.dim`, b.x([3, 4]), [1], true, true),
        ...b.results(`aten.${name}_mean.correction`, b.x([3, 4]), [0]),
      ],
    ],
  ]),
  [
    'norms',
    (b) => {
      const x = b.x([3, 4]);
      const orders = [2, 1, 0, 3, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
      return [
        ...orders.map((order) => b.call('aten.linalg_vector_norm.default', x, order, [1])),
        b.call('aten.norm.Scalar', x, 3),
        b.call('aten.norm.ScalarOpt_dim', x, 1, [0], true),
        b.with('aten.norm.ScalarOpt_dim_dtype', [x, null, [0], false], { dtype: 'float32' }),
        b.call('aten.frobenius_norm.dim', x, [0, 1]),
      ];
    },
  ],
  [
    'logsumexp',
    (b) => {
      const x = b.of(
        'float32',
        [100, 101, -1e4, Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY, 3],
        [3, 2],
      );
      return [b.call('aten.logsumexp.default', x, [1]), b.call('aten.logsumexp.default', x, [0, 1], true)];
    },
  ],
  [
    'reductions of a number',
    (b) => {
      const x = b.x([]);
      return ['sum', 'mean', 'prod', 'max', 'amax', 'any'].map((name) => b.call(`aten.${name}.default`, x));
    },
  ],
];

const orderings: readonly Case[] = [
  ...['argmax', 'argmin'].map(
    (name): Case => [
      name,
      (b) => [
        b.call(`aten.${name}.default`, b.x([3, 4])),
        b.call(`aten.${name}.default`, b.x([3, 4]), 1, true),
        b.call(`aten.${name}.default`, b.x([3, 4], -9, 9, 'int32'), 0),
      ],
    ],
  ),
  ...['max', 'min'].map(
    (name): Case => [
      `${name}.dim`,
      (b) => [
        ...b.results(`aten.${name}.dim`, b.x([3, 4]), 1),
        ...b.results(`aten.${name}.dim`, b.x([3, 4], -3, 3, 'int32'), 0, true),
      ],
    ],
  ),
  [
    'sort',
    (b) => {
      const x = b.x([3, 7], -3, 3, 'int64');
      return [...b.results('aten.sort.default', x, 1), ...b.results('aten.sort.default', b.x([4]), 0, true)];
    },
  ],
  [
    'stable sort',
    (b) => {
      const node = b.with('aten.sort.stable', [b.x([3, 7], -1, 1, 'int32')], { stable: true });
      return [0, 1].map((i) => b.with('operator.getitem', [node, i], {}));
    },
  ],
  [
    'argsort',
    (b) => [
      b.call('aten.argsort.default', b.x([3, 7]), 0),
      b.with('aten.argsort.stable', [b.x([7], -1, 1, 'int32')], { stable: true, descending: true }),
    ],
  ],
  [
    'topk',
    (b) => [
      ...b.results('aten.topk.default', b.x([3, 7]), 3),
      ...b.results('aten.topk.default', b.x([7, 3]), 2, 0, false),
    ],
  ],
  [
    'cumsum',
    (b) => [
      b.call('aten.cumsum.default', b.x([3, 4]), 1),
      b.call('aten.cumsum.default', b.x([3, 4], -9, 9, 'int32'), 0),
    ],
  ],
  [
    'cumprod',
    (b) => [
      b.call('aten.cumprod.default', b.x([3, 4]), -1),
      b.call('aten.cumprod.default', b.x([3, 4], -3, 3, 'int64'), 0),
    ],
  ],
];

const resizing: CaseOptions = { tolerance: 3e-5 };
const smooth: CaseOptions = { ...resizing, refused: { 13: /Resize with 'antialias' since operator set 18/ } };

/** Larger and smaller, by sizes and by factors of which none is whole. */
function interpolation(
  name: string,
  spatial: number,
  aligns: readonly boolean[],
  options = resizing,
): readonly Case[] {
  const image = [1, 2, 5, 7, 4].slice(0, 2 + spatial);
  const sizes = [
    [9, 4, 6],
    [3, 14, 2],
  ].map((size) => size.slice(0, spatial));
  const flags = aligns.length === 0 ? [[]] : aligns.map((each) => [each]);
  return flags.flatMap((flag): Case[] => [
    [
      `${name}, ${flag.join()}`,
      (b) =>
        sizes.flatMap((size) => [
          b.call(`aten.${name}.vec`, b.x(image), size, ...flag, null),
          b.call(`aten.${name}.default`, b.x(image), size, ...flag),
        ]),
      options,
    ],
    [
      `${name} by factors, ${flag.join()}`,
      (b) => b.call(`aten.${name}.vec`, b.x(image), null, ...flag, Array(spatial).fill(1.6)),
      options,
    ],
  ]);
}

const gridded: CaseOptions = {
  tolerance: 3e-5,
  refused: { 13: /ONNX has (GridSample|AffineGrid) since operator set (16|20): export with/ },
};

const resizes: readonly Case[] = [
  ...[1, 2, 3].flatMap((spatial) => [
    ...interpolation(`upsample_nearest${spatial}d`, spatial, []),
    ...interpolation(`_upsample_nearest_exact${spatial}d`, spatial, []),
  ]),
  ...interpolation('upsample_linear1d', 1, [false, true]),
  ...interpolation('upsample_bilinear2d', 2, [false, true]),
  ...interpolation('upsample_trilinear3d', 3, [false, true]),
  ...interpolation('upsample_bicubic2d', 2, [false, true]),
  ...interpolation('_upsample_bilinear2d_aa', 2, [false], smooth),
  ...interpolation('_upsample_bicubic2d_aa', 2, [false], smooth),
  [
    "resize, with ONNX's names",
    (b) =>
      b.with('octavo.resize.default', [b.x([1, 2, 5, 6]), [2, 3], [8, 3]], {
        mode: 'linear',
        coordinates: 'asymmetric',
      }),
    resizing,
  ],
  ...([4, 5] as const).flatMap((rank) =>
    (rank === 4 ? [0, 1, 2] : [0, 1]).flatMap((mode) =>
      [0, 1, 2].map(
        (padding): Case => [
          `grid_sampler of rank ${rank}, mode ${mode}, padding ${padding}`,
          (b) => {
            const name =
              mode === 2 ? 'grid_sampler_2d' : rank === 5 && mode === 0 ? 'grid_sampler_3d' : 'grid_sampler';
            const [image, grid] =
              rank === 4
                ? [
                    [2, 3, 4, 5],
                    [2, 3, 3, 2],
                  ]
                : [
                    [1, 2, 3, 4, 5],
                    [1, 2, 3, 3, 3],
                  ];
            return b.call(
              `aten.${name}.default`,
              b.x(image),
              b.x(grid, -1.3, 1.3),
              mode,
              padding,
              padding === 1,
            );
          },
          gridded,
        ],
      ),
    ),
  ),
  [
    'affine_grid_generator',
    (b) =>
      [false, true].map((aligns) =>
        b.call('aten.affine_grid_generator.default', b.x([2, 2, 3]), [2, 3, 4, 5], aligns),
      ),
    gridded,
  ],
];

/** Reductions, orders, images of another size. */
export const reductionCases: readonly Case[] = [...reductions, ...orderings, ...resizes];
