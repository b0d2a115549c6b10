import { Tensor } from '../../../lib/tensor/index.ts';
import { type Case, type CaseOptions, ofOne } from './case.ts';
import { special } from './elements.ts';

const names = [
  'eq',
  'ne',
  'lt',
  'le',
  'gt',
  'ge',
  'not_equal',
  'less',
  'less_equal',
  'greater',
  'greater_equal',
];

const bitwise: CaseOptions = {
  refused: { 13: /ONNX has Bitwise\w+ since operator set 18: export with \{ opset: 21 \}, not 13/ },
};

/** Comparisons, logic, choices, and operations on bits. */
export const comparisonCases: readonly Case[] = [
  ...names.map(
    (name): Case => [
      name,
      (b) => {
        const [x, y] = [b.x([12], 0, 3, 'int32'), b.x([12], 0, 3, 'int64')];
        return [b.call(`aten.${name}.Tensor`, x, y), b.call(`aten.${name}.Scalar`, b.x([5]), 0.25)];
      },
    ],
  ),
  [
    'logic',
    (b) => {
      const [x, y] = [b.x([9], 0, 1, 'bool'), b.x([9], 0, 2, 'int32')];
      const both = ['and', 'or', 'xor'].map((name) => b.call(`aten.logical_${name}.default`, x, y));
      return [...both, b.call('aten.logical_not.default', y)];
    },
  ],
  ...ofOne(
    ['isnan', 'isinf', 'isposinf', 'isneginf', 'isfinite', 'signbit'].map((name) => `${name}.default`),
    (b, target) => [b.call(target, b.of('float32', special)), b.call(target, b.x([4], -3, 3, 'int32'))],
  ),
  [
    'where',
    (b) => {
      const condition = b.x([3, 4], 0, 1, 'bool');
      return [
        b.call('aten.where.self', condition, b.x([4]), b.x([3, 1])),
        b.call('aten.where.ScalarSelf', condition, 2.5, b.x([4])),
        b.call('aten.where.ScalarOther', condition, b.x([4]), 7),
        b.call('aten.where.Scalar', condition, 1, 2),
      ];
    },
  ],
  [
    'where of bool',
    (b) => b.call('aten.where.self', b.x([4], 0, 1, 'bool'), b.x([4], 0, 1, 'bool'), b.x([4], 0, 1, 'bool')),
  ],
  [
    'masked_fill',
    (b) => {
      const [x, mask] = [b.x([3, 4]), b.x([4], 0, 1, 'bool')];
      const value = b.constant('value', Tensor.scalar('float32', 9));
      return [
        b.call('aten.masked_fill.Scalar', x, mask, -5),
        b.call('aten.masked_fill_.Tensor', x, mask, value),
      ];
    },
  ],
  [
    'bits of bool',
    (b) => {
      const [x, y] = [b.x([6], 0, 1, 'bool'), b.x([6], 0, 1, 'bool')];
      return [
        ...['and', 'or', 'xor'].map((name) => b.call(`aten.bitwise_${name}.Tensor`, x, y)),
        b.call('aten.bitwise_not.default', x),
      ];
    },
  ],
  ...['and', 'or', 'xor'].map(
    (name): Case => [
      `bitwise_${name}`,
      (b) => {
        const [x, y] = [b.x([6], -9, 9, 'int32'), b.x([6], -9, 9, 'int32')];
        return [
          b.call(`aten.bitwise_${name}.Tensor`, x, y),
          b.call(`aten.bitwise_${name}.Scalar`, x, 5),
          b.call(`aten.bitwise_${name}.Scalar_Tensor`, 6, y),
        ];
      },
      bitwise,
    ],
  ),
  ['bitwise_not', (b) => b.call('aten.bitwise_not.default', b.x([6], -9, 9, 'int64')), bitwise],
  [
    'shifts of bytes',
    (b) =>
      ['left', 'right'].map((side) =>
        b.call(`aten.bitwise_${side}_shift.Tensor`, b.x([8], 0, 90, 'uint8'), b.x([8], 0, 5, 'uint8')),
      ),
  ],
  [
    'shifts',
    (b) => {
      const [x, by] = [b.x([8], -90, 90, 'int32'), b.x([8], 0, 5, 'int32')];
      return ['left', 'right'].flatMap((side) => [
        b.call(`aten.bitwise_${side}_shift.Tensor`, x, by),
        b.call(`aten.bitwise_${side}_shift.Tensor_Scalar`, x, 3),
      ]);
    },
  ],
];
