import type { Node } from '../../../lib/graph/index.ts';
import { Tensor } from '../../../lib/tensor/index.ts';
import { type Case, type CaseBuilder, type CaseOptions, ofOne } from './case.ts';

/** Sums of some hundred products, in another order. */
const sums: CaseOptions = { tolerance: 3e-5 };

const image = [2, 4, 6, 7, 5];

/** Strides, paddings, dilations and groups that differ by axis. */
function convolutions(axes: number): readonly Case[] {
  const x = (b: CaseBuilder) => b.x(image.slice(0, 2 + axes));
  const list = (...values: readonly number[]) => values.slice(0, axes);
  const transposed = `aten.conv_transpose${axes}d.${axes === 1 ? 'default' : 'input'}`;
  return [
    [
      `conv${axes}d`,
      (b) => [
        b.call(
          `aten.conv${axes}d.default`,
          x(b),
          b.parameter('w', [3, 4, ...list(3, 2, 1)]),
          b.parameter('b', [3]),
        ),
        b.call(
          `aten.conv${axes}d.default`,
          x(b),
          b.parameter('v', [6, 2, ...list(2, 3, 3)]),
          null,
          list(2, 1, 2),
          list(1, 2, 0),
          list(2, 1, 1),
          2,
        ),
      ],
      sums,
    ],
    [
      `conv${axes}d with named padding`,
      (b) =>
        ['same', 'valid'].map((padding) =>
          b.call(
            `aten.conv${axes}d.padding`,
            x(b),
            b.parameter('w', [3, 4, ...list(2, 3, 2)]),
            null,
            list(1, 1, 1),
            padding,
          ),
        ),
      sums,
    ],
    [
      `conv_transpose${axes}d`,
      (b) => [
        b.call(transposed, x(b), b.parameter('w', [4, 3, ...list(3, 2, 2)]), b.parameter('b', [3])),
        b.call(
          transposed,
          x(b),
          b.parameter('v', [4, 2, ...list(3, 3, 2)]),
          null,
          list(2, 3, 2),
          list(1, 0, 1),
          list(1, 2, 1),
          2,
          list(2, 1, 1),
        ),
      ],
      sums,
    ],
  ];
}

const layers: readonly Case[] = [
  ...[1, 2, 3].flatMap(convolutions),
  [
    'convolution',
    (b) =>
      [false, true].map((isTransposed) =>
        b.call(
          'aten.convolution.default',
          b.x([1, 4, 5, 6]),
          b.parameter('w', [4, 4, 3, 3]),
          null,
          [2, 2],
          [1, 1],
          [1, 1],
          isTransposed,
          [0, 0],
          1,
        ),
      ),
    sums,
  ],
  [
    'linear',
    (b) =>
      [[5, 4], [4], [2, 3, 4], [2, 1, 3, 4]].flatMap((shape) => [
        b.call('aten.linear.default', b.x(shape), b.parameter('w', [3, 4]), b.parameter('b', [3])),
        b.call('aten.linear.default', b.x(shape), b.parameter('w', [3, 4])),
      ]),
  ],
  [
    'a linear layer of a computed weight',
    (b) => b.call('aten.linear.default', b.x([2, 3, 4]), b.x([5, 4]), b.x([5])),
  ],
  [
    'products',
    (b) => [
      b.call('aten.matmul.default', b.x([2, 1, 3, 4]), b.x([5, 4, 2])),
      b.call('aten.matmul.default', b.x([4]), b.x([4, 2])),
      b.call('aten.mm.default', b.x([3, 4]), b.x([4, 2])),
      b.call('aten.bmm.default', b.x([2, 3, 4]), b.x([2, 4, 2])),
      b.with('aten.addmm.default', [b.x([2]), b.x([3, 4]), b.x([4, 2])], { alpha: 2, beta: 0.5 }),
      b.with('aten.addmm.default', [b.x([2]), b.x([3, 4]), b.x([4, 2])], { beta: 0 }),
      b.call('aten.baddbmm.default', b.x([2, 1, 2]), b.x([2, 3, 4]), b.x([2, 4, 2])),
    ],
  ],
];

const poolings: readonly Case[] = [1, 2, 3].flatMap((axes) => {
  const list = (...values: readonly number[]) => values.slice(0, axes);
  const shape = [2, 3, 7, 8, 6].slice(0, 2 + axes);
  const windows: readonly (readonly [
    readonly number[],
    readonly number[],
    readonly number[],
    readonly number[],
    boolean,
  ])[] = [
    [list(3, 2, 2), [], list(0, 0, 0), list(1, 1, 1), false],
    [list(3, 3, 2), list(2, 3, 1), list(1, 1, 1), list(1, 2, 1), false],
    [list(3, 2, 3), list(2, 3, 2), list(1, 0, 1), list(1, 1, 1), true],
  ];
  const average = axes > 2 ? [] : [`aten.avg_pool${axes}d.default`];
  return [
    [
      `max_pool${axes}d with indices`,
      (b) =>
        windows.flatMap((window) =>
          b.results(`aten.max_pool${axes}d_with_indices.default`, b.x(shape), ...window),
        ),
    ],
    [
      `adaptive_max_pool${axes}d`,
      (b) =>
        b.results(
          `aten.adaptive_max_pool${axes}d.default`,
          b.x([1, 2, 6, 4, 8].slice(0, 2 + axes)),
          list(3, 2, 4),
        ),
    ],
    ...(axes > 2 ? [] : [`aten.max_pool${axes}d.default`]).map(
      (target): Case => [target, (b) => windows.map((window) => b.call(target, b.x(shape), ...window))],
    ),
    ...average.map(
      (target): Case => [
        target,
        (b) =>
          windows.flatMap(([kernel, stride, padding, , ceil]) =>
            [true, false].map((counts) => b.call(target, b.x(shape), kernel, stride, padding, ceil, counts)),
          ),
      ],
    ),
    ...(axes > 2 ? [] : [`aten.adaptive_avg_pool${axes}d.default`]).map(
      (target): Case => [
        target,
        (b) => [list(1, 1), list(7, 4), list(3, 5)].map((size) => b.call(target, b.x(shape), size)),
      ],
    ),
  ] as Case[];
});

const normalizations: readonly Case[] = [
  [
    'batch_norm',
    (b) => [
      b.batchNorm(b.x([2, 4, 3, 3]), 4),
      b.call(
        'aten.batch_norm.default',
        b.x([2, 3]),
        null,
        null,
        b.parameter('m', [3]),
        b.constant('v', Tensor.from('float32', [1, 2, 3])),
        false,
        0.1,
        1e-3,
        true,
      ),
    ],
  ],
  [
    'layer_norm',
    (b) => [
      b.call(
        'aten.layer_norm.default',
        b.x([2, 3, 8]),
        [8],
        b.parameter('w', [8]),
        b.parameter('b', [8]),
        1e-3,
      ),
      b.call('aten.layer_norm.default', b.x([2, 3, 8]), [3, 8], b.parameter('w', [3, 8])),
      b.call('aten.layer_norm.default', b.x([2, 3, 8]), [8]),
    ],
  ],
  [
    'rms_norm',
    (b) => [
      b.call('aten.rms_norm.default', b.x([2, 3, 8]), [8], b.parameter('w', [8]), 1e-3),
      b.call('aten.rms_norm.default', b.x([2, 3, 8]), [3, 8]),
    ],
  ],
  [
    'group_norm',
    (b) =>
      [
        [2, 6, 5],
        [2, 6, 4, 3],
        [3, 6],
      ].flatMap((shape) =>
        [2, 6].flatMap((groups) => [
          b.call('aten.group_norm.default', b.x(shape), groups, b.parameter('w', [6]), b.parameter('b', [6])),
          b.call('aten.group_norm.default', b.x(shape), groups),
        ]),
      ),
    sums,
  ],
  ...ofOne(['softmax.int', 'log_softmax.int', '_safe_softmax.default'], (b, target) => [
    b.call(target, b.x([2, 3, 4]), 1),
    b.call(target, b.x([3, 4]), -1),
  ]),
  [
    '_safe_softmax of nothing',
    (b) =>
      b.call(
        'aten._safe_softmax.default',
        b.of('float32', [1, 2, ...Array(2).fill(Number.NEGATIVE_INFINITY)], [2, 2]),
        1,
      ),
  ],
];

const attentions: readonly Case[] = (
  [
    [
      [2, 3, 5, 4],
      [2, 3, 7, 4],
    ],
    [
      [5, 4],
      [7, 4],
    ],
  ] as const
).flatMap(([query, key]) => {
  const target = 'aten.scaled_dot_product_attention.default';
  const of = (b: CaseBuilder): Node[] => [b.x(query), b.x(key), b.x(key)];
  return [
    [`attention of [${query}]`, (b) => b.call(target, ...of(b))],
    [`causal attention of [${query}]`, (b) => b.with(target, [...of(b), null, 0, true], { scale: 0.3 })],
    [
      `masked attention of [${query}]`,
      (b) => [
        b.call(target, ...of(b), b.x([5, 7])),
        b.call(target, ...of(b), b.of('bool', [0, 0, 0, 0, 0, 0, 0, ...Array(28).fill(1)], [5, 7])),
      ],
    ],
  ] as Case[];
});

const groupedAttentions: readonly Case[] = [1, 2].map((shared) => [
  `attention of four heads that share ${shared}`,
  (b) => {
    const [query, key] = [b.x([2, 4, 5, 6]), b.x([2, shared, 7, 6])];
    return b.with('aten.scaled_dot_product_attention.default', [query, key, b.x([2, shared, 7, 6])], {
      enable_gqa: true,
    });
  },
]);

/** Both directions, with and without what is optional. */
const recurrents: readonly Case[] = (['lstm', 'gru', 'gru_reset_first', 'rnn'] as const).flatMap((cell) => {
  const gates = { lstm: 4, gru: 3, gru_reset_first: 3, rnn: 1 }[cell];
  const layer = (b: CaseBuilder, batchFirst: boolean, reverse: boolean, isWhole: boolean) => {
    const ofState =
      cell === 'gru_reset_first'
        ? [b.parameter('hh', [2 * 5, 5]), b.parameter('hn', [5, 5])]
        : [b.parameter('hh', [gates * 5, 5])];
    const weights = [b.parameter('ih', [gates * 5, 3]), ...ofState];
    const biases = isWhole ? [b.parameter('bi', [gates * 5]), b.parameter('bh', [gates * 5])] : [null, null];
    const middle = { lstm: [null], gru: [], gru_reset_first: [], rnn: [isWhole ? 'relu' : 'tanh'] }[cell];
    const states = Array.from({ length: cell === 'lstm' ? 2 : 1 }, () =>
      isWhole ? b.x([2, 5], -1, 1) : null,
    );
    const lengths = isWhole ? b.of('int64', [4, 2]) : null;
    const x = b.x(batchFirst ? [2, 4, 3] : [4, 2, 3]);
    return b.results(
      cell === 'gru_reset_first' ? 'octavo.gru_layer.reset_first' : `octavo.${cell}_layer.default`,
      x,
      ...weights,
      ...biases,
      ...middle,
      ...states,
      lengths,
      reverse,
      batchFirst,
    );
  };
  return [false, true].flatMap((isWhole) => [
    [
      `${cell}_layer${isWhole ? ', with all that is optional' : ''}`,
      (b) => [false, true].flatMap((reverse) => layer(b, false, reverse, isWhole)),
    ],
    [
      `${cell}_layer, samples first${isWhole ? ', with all that is optional' : ''}`,
      (b) => layer(b, true, true, isWhole),
    ],
  ]) as Case[];
});

/** Layers, pooling, normalization, attention. */
export const layerCases: readonly Case[] = [
  ...layers,
  ...poolings,
  [
    'avg_pool2d, divided by another number',
    (b) => b.call('aten.avg_pool2d.default', b.x([1, 2, 6, 6]), [2, 3], [2, 2], [1, 1], false, true, 5),
  ],
  ...normalizations,
  ...attentions,
  ...groupedAttentions,
  ...recurrents,
];
