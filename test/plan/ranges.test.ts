import { expect, it } from 'vitest';
import { operators } from '../../lib/aten/index.ts';
import { type Node, propagateShapes } from '../../lib/graph/index.ts';
import { lower } from '../../lib/lowering/index.ts';
import { GraphBuilder } from '../support/graph-builder.ts';
import { build } from '../support/run-plan.ts';

const shape = [1, 4, 6, 6];

/** A convolution of quantized values, its result not quantized yet. */
const convolution = (b: GraphBuilder, x: Node, channels = 4): Node =>
  b.call('aten.conv2d.default', x, b.weight('w', [4, channels, 3, 3]), null, [1, 1], [1, 1]);

/** What the plan knows of the input of the graph's last convolution or linear layer. */
function inputMax(write: (b: GraphBuilder, x: Node) => Node): unknown {
  const b = new GraphBuilder();
  b.graph.output(write(b, b.input('x', shape)));
  propagateShapes(b.module, [{ dtype: 'float32', shape }], operators);
  const { steps } = build(lower(b.module).module).desc;
  const step = steps.filter(({ op }) => op === 'convolution' || op === 'linear').at(-1)!;
  return step.attributes.inputMax;
}

const cases: readonly [string, number | undefined, (b: GraphBuilder, x: Node) => Node][] = [
  ['a quantize of the full range', undefined, (b, x) => convolution(b, b.quantizeDequantize(x, 0.02, 5))],
  ['a reduced range', 127, (b, x) => convolution(b, b.quantizeDequantize(x, 0.02, 5, 127))],
  [
    'a convolution with a full range',
    undefined,
    (b, x) =>
      convolution(b, b.quantizeDequantize(convolution(b, b.quantizeDequantize(x, 0.02, 5, 127)), 0.05, 70)),
  ],
  [
    'a convolution with a reduced range',
    127,
    (b, x) =>
      convolution(b, b.quantizeDequantize(convolution(b, b.quantizeDequantize(x, 0.02, 5)), 0.05, 70, 127)),
  ],
  [
    // No clamp can be merged with it: a table of the range follows.
    'a function with a reduced range',
    127,
    (b, x) => {
      const y = convolution(b, b.quantizeDequantize(x, 0.02, 5));
      return convolution(b, b.quantizeDequantize(b.call('aten.hardswish.default', y), 0.05, 9, 127));
    },
  ],
  [
    // 6 / 0.05 = 120 above the zero point.
    'relu6',
    120,
    (b, x) => {
      const y = convolution(b, b.quantizeDequantize(x, 0.02, 5));
      return convolution(b, b.quantizeDequantize(b.call('aten.hardtanh.default', y, 0, 6), 0.05, 0));
    },
  ],
  [
    'max pooling',
    127,
    (b, x) => {
      const y = b.call('aten.max_pool2d.default', b.quantizeDequantize(x, 0.02, 5, 127), [2, 2], [1, 1]);
      return convolution(b, b.quantizeDequantize(y, 0.02, 5, 127));
    },
  ],
  ...[
    [63, 127],
    [127, 63],
  ].map((parts): (typeof cases)[number] => [
    `a concatenation of up to ${parts}`,
    127,
    (b, x) => {
      const values = parts.map((max) => b.quantizeDequantize(x, 0.02, 5, max));
      return convolution(b, b.quantizeDequantize(b.call('aten.cat.default', values, 1), 0.02, 5, 127), 8);
    },
  ]),
  [
    'average pooling',
    127,
    (b, x) => {
      const y = b.call('aten.avg_pool2d.default', b.quantizeDequantize(x, 0.02, 5, 127), [2, 2], [1, 1]);
      return convolution(b, b.quantizeDequantize(y, 0.02, 5, 127));
    },
  ],
  [
    'a sum, then relu6',
    120,
    (b, x) => {
      const y = convolution(b, b.quantizeDequantize(x, 0.02, 5));
      const sum = b.call('aten.add.Tensor', y, b.quantizeDequantize(x, 0.02, 5));
      return convolution(b, b.quantizeDequantize(b.call('aten.hardtanh.default', sum, 0, 6), 0.05, 0));
    },
  ],
  ...(
    [
      [90, 127],
      [200, 200],
      // These wrap around, or are no integers.
      [-1, undefined],
      [200.7, undefined],
      [256, undefined],
    ] as const
  ).map(([value, expected]): (typeof cases)[number] => [
    `padding with ${value}`,
    expected,
    (b, x) => {
      const y = b.call('aten.constant_pad_nd.default', b.quantize(x, 0.02, 5, 127), [1, 1, 1, 1], value);
      return convolution(b, b.dequantize(y, 0.02, 5));
    },
  ]),
  [
    'averages of integers with a divisor of their own',
    undefined,
    (b, x) => {
      const q = b.quantize(x, 0.02, 5, 127);
      const y = b.call('aten.avg_pool2d.default', q, [2, 2], [1, 1], [0, 0], false, true, 1);
      return convolution(b, b.dequantize(y, 0.02, 5));
    },
  ],
  [
    'a view',
    127,
    (b, x) => {
      const y = b.call('aten.view.default', b.quantizeDequantize(x, 0.02, 5, 127), [1, 144]);
      const input = b.quantizeDequantize(y, 0.02, 5, 127);
      return b.call('aten.linear.default', input, b.weight('w', [8, 144]));
    },
  ],
];

it.each(cases)('the largest value behind %s is %s', (_, expected, write) => {
  expect(inputMax(write)).toBe(expected);
});
