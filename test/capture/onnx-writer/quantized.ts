import type { Argument, Node } from '../../../lib/graph/index.ts';
import { Tensor } from '../../../lib/tensor/index.ts';
import type { Case, CaseBuilder, CaseOptions } from './case.ts';

const library = 'quantized_decomposed';

/** Quantized and dequantized with the same parameters. */
function there(b: CaseBuilder, x: Node, ...parameters: readonly Argument[]): readonly Node[] {
  const q = b.call(`${library}.quantize_per_tensor.default`, x, ...parameters);
  return [q, b.call(`${library}.dequantize_per_tensor.default`, q, ...parameters)];
}

const since21: CaseOptions = { refused: { 13: /quantization to u?int16 since operator set 21/ } };

const ranges = { uint8: [0, 255], int8: [-128, 127], uint16: [0, 65535], int16: [-32768, 32767] } as const;

const perTensor: readonly Case[] = [
  ...Object.entries(ranges).map(
    ([dtype, range]): Case => [
      `per tensor, ${dtype}`,
      (b) => there(b, b.x([3, 4]), 0.013, dtype.startsWith('u') ? 90 : -7, ...range, dtype),
      dtype.endsWith('16') ? since21 : {},
    ],
  ),
  [
    'per tensor, of narrow ranges',
    (b) => [
      ...there(b, b.x([30]), 0.013, 64, 0, 127, 'uint8'),
      ...there(b, b.x([30]), 0.013, 0, -127, 127, 'int8'),
    ],
  ],
  ['per tensor, int32', (b) => there(b, b.x([30]), 1e-7, 0, -(2 ** 31), 2 ** 31 - 1, 'int32')],
];

/** Along an axis, with a zero point for each channel. */
const perChannel: readonly Case[] = (['uint8', 'int8'] as const).flatMap((dtype) =>
  [0, 1, -1].map(
    (axis): Case => [
      `per channel, ${dtype}, axis ${axis}`,
      (b) => {
        const zeros = dtype === 'uint8' ? [120, 128, 140] : [-3, 0, 9];
        const parameters = [
          b.constant('scales', Tensor.from('float32', [0.02, 0.03, 0.05])),
          b.constant('zeros', Tensor.from('int64', zeros)),
          axis,
          ...(dtype === 'uint8' ? [0, 255] : [-127, 127]),
          dtype,
        ];
        const q = b.call(`${library}.quantize_per_channel.default`, b.x([3, 3, 3]), ...parameters);
        return [q, b.call(`${library}.dequantize_per_channel.default`, q, ...parameters)];
      },
    ],
  ),
);

const biases: readonly Case[] = [
  [
    'per channel, int32',
    (b) => {
      const scales = b.constant('scales', Tensor.from('float32', [1e-4, 2e-4, 3e-4]));
      const q = b.constant('bias', Tensor.from('int32', [5, -70000, 123456]));
      const range = [-(2 ** 31), 2 ** 31 - 1, 'int32'] as const;
      return b.call(
        'aten.add.Tensor',
        b.x([3]),
        b.call(`${library}.dequantize_per_channel.default`, q, scales, null, 0, ...range),
      );
    },
  ],
];

/** A quantized layer; rounding the bias to int32 moves a result by half a unit, 1e-5 of the largest. */
const layers: readonly Case[] = [
  [
    'a quantized linear layer of matrices',
    (b) => {
      const x = b.quantizeDequantize(b.x([5, 16]), 0.016, 128);
      return b.call('aten.linear.default', x, b.weight('w', [7, 16]), b.parameter('bias', [7]));
    },
    { tolerance: 1e-4 },
  ],
  [
    'a quantized linear layer of more',
    (b) => {
      const x = b.quantizeDequantize(b.x([2, 5, 16]), 0.016, 128);
      return b.call('aten.linear.default', x, b.weight('w', [7, 16]), b.parameter('bias', [7]));
    },
    { tolerance: 1e-4 },
  ],
  [
    'a quantized convolution',
    (b) => {
      const x = b.quantizeDequantize(b.x([1, 4, 6, 6]), 0.016, 128);
      return b.call(
        'aten.conv2d.default',
        x,
        b.weight('w', [5, 4, 3, 3]),
        b.parameter('bias', [5]),
        [1, 1],
        [1, 1],
      );
    },
    { tolerance: 1e-4 },
  ],
];

/** Parameters of each request's tensor. The other formulas are spelled out: an element may be rounded the other way. */
function chosen(name: string, low: number, high: number, dtype: string): Case {
  return [
    `${name}, ${dtype} from ${low} to ${high}`,
    (b) => {
      const x = b.x([4, 9], -1, 3);
      const [scale, zeroPoint] = b.results(`${library}.${name}.tensor`, x, low, high, 1e-5, dtype);
      const rest = [scale, zeroPoint, low, high, dtype];
      const q = b.call(`${library}.quantize_per_tensor.tensor`, x, ...rest);
      return b.call(`${library}.dequantize_per_tensor.tensor`, q, ...rest);
    },
    { tolerance: 0.02 },
  ];
}

const integers: readonly Case[] = [
  [
    'products of integers',
    (b) => {
      const [x, w] = [b.x([3, 4], 0, 255, 'uint8'), b.x([2, 4], -127, 127, 'int8')];
      return [
        b.call('octavo.integer_linear.default', x, 7, w, b.x([2], -99, 99, 'int32')),
        b.call('octavo.integer_linear.dynamic', x, b.of('int64', [9]), w),
        b.call('aten._int_mm.default', b.x([3, 4], -9, 9, 'int8'), b.x([4, 2], -9, 9, 'int8')),
      ];
    },
  ],
  [
    'a convolution of integers',
    (b) =>
      b.call(
        'octavo.integer_convolution.default',
        b.x([1, 2, 5, 5], 0, 255, 'uint8'),
        3,
        b.x([3, 2, 3, 3], -9, 9, 'int8'),
        b.x([3], -9, 9, 'int32'),
        [1, 1],
        [0, 0],
        [1, 1],
        1,
      ),
  ],
  [
    'a weight of int8 alone',
    (b) =>
      b.call(
        'aten._weight_int8pack_mm.default',
        b.x([3, 4]),
        b.x([2, 4], -127, 127, 'int8'),
        b.x([2], 0.01, 0.02),
      ),
  ],
];

/** Quantization, and layers of quantized tensors. */
export const quantizedCases: readonly Case[] = [
  ...perTensor,
  ...perChannel,
  ...biases,
  ...layers,
  chosen('choose_qparams', 0, 255, 'uint8'),
  chosen('choose_qparams', 0, 127, 'uint8'),
  chosen('choose_qparams', -128, 127, 'int8'),
  chosen('choose_qparams_symmetric', -127, 127, 'int8'),
  ...integers,
];
