import { describe, expect, it } from 'vitest';
import type { TensorDesc } from '../../lib/native/addon-types.ts';
import type { StepName } from '../../lib/native/step-name.ts';
import { bytesMoved, multiplyAdds, steps } from '../../lib/plan/index.ts';

const tensor = (dtype: TensorDesc['dtype'], ...shape: number[]): TensorDesc => ({ dtype, shape });

type Case = readonly [op: StepName, inputs: readonly TensorDesc[], shape: readonly number[], count: number];

/** Counts by hand: results times the products that each of them sums. */
const cases: readonly Case[] = [
  [
    'convolution',
    [tensor('uint8', 2, 3, 8, 8), tensor('int8', 5, 3, 3, 3)],
    [2, 5, 6, 6],
    2 * 5 * 6 * 6 * 27,
  ],
  ['convolution', [tensor('uint8', 1, 8, 4, 4), tensor('int8', 8, 1, 3, 3)], [1, 8, 2, 2], 8 * 2 * 2 * 9],
  ['integer_convolution', [tensor('int8', 1, 3, 9), tensor('int8', 2, 3, 4)], [1, 2, 6], 2 * 6 * 12],
  ['linear', [tensor('uint8', 7, 16), tensor('int8', 10, 16)], [7, 10], 7 * 10 * 16],
  ['integer_linear', [tensor('int8', 7, 16), tensor('int8', 10, 16)], [7, 10], 7 * 10 * 16],
  ['weight_only_linear', [tensor('float32', 2, 7, 16), tensor('int8', 10, 16)], [2, 7, 10], 14 * 10 * 16],
  ['matmul', [tensor('float32', 2, 3, 4), tensor('float32', 2, 4, 5)], [2, 3, 5], 2 * 3 * 5 * 4],
  ['integer_matmul', [tensor('uint8', 2, 3, 4), tensor('int8', 4, 5)], [2, 3, 5], 2 * 3 * 5 * 4],
  [
    'attention',
    [tensor('float32', 2, 3, 4), tensor('float32', 2, 6, 4), tensor('float32', 2, 6, 4)],
    [2, 3, 4],
    2 * (2 * 3 * 6 * 4),
  ],
  // Each of 2 * 6 * 12 input elements meets 5 outputs at 9 places of the kernel.
  [
    'transposed_convolution',
    [tensor('float32', 2, 6, 3, 4), tensor('float32', 6, 5, 3, 3)],
    [2, 5, 5, 6],
    2 * 6 * 12 * 5 * 9,
  ],
  // The same products as the convolution's: 8 results of 2 images, each a sum over 3 channels and 9 places.
  [
    'convolution_input_gradient',
    [tensor('float32', 2, 8, 4, 5), tensor('float32', 8, 3, 3, 3)],
    [2, 3, 6, 7],
    2 * 8 * 20 * 3 * 9,
  ],
  [
    'convolution_weight_gradient',
    [tensor('float32', 2, 8, 4, 5), tensor('float32', 2, 3, 6, 7)],
    [8, 3, 3, 3],
    2 * 8 * 20 * 3 * 9,
  ],
  // 7 steps of 3 sequences: 4 gates of 8 elements, of 5 inputs and 8 states.
  [
    'recurrent',
    [tensor('float32', 7, 3, 5), tensor('float32', 32, 5), tensor('float32', 32, 8)],
    [7, 3, 8],
    7 * 3 * 32 * (5 + 8),
  ],
  ['eltwise', [tensor('float32', 100)], [100], 0],
];

describe('the work of a step', () => {
  it.each(cases)('%s: multiply-adds', (op, inputs, shape, count) => {
    expect(multiplyAdds({ op, inputs, outputs: [tensor('float32', ...shape)] })).toBe(count);
  });

  it('is counted above for every step that has products', () => {
    const counted = new Set(cases.filter(([, , , count]) => count > 0).map(([op]) => op));
    const names = Object.keys(steps) as StepName[];
    expect([...counted].sort()).toEqual(names.filter((name) => steps[name].products !== 'none'));
  });

  it('moves every operand once', () => {
    const inputs = [tensor('uint8', 7, 16), tensor('int8', 10, 16), tensor('float32', 10)];
    const op = 'linear';
    expect(bytesMoved({ op, inputs, outputs: [tensor('float32', 7, 10)] })).toBe(
      7 * 16 + 10 * 16 + 40 + 4 * 70,
    );
  });

  it('reads the rows of a table that are looked up, not the table', () => {
    const [table, indices] = [tensor('float32', 1000, 16), tensor('int64', 2, 3)];
    const outputs = [tensor('float32', 2, 3, 16)];
    const moved = 6 * 64 + 6 * 8 + 6 * 64;
    expect(bytesMoved({ op: 'embedding', inputs: [table, indices], outputs })).toBe(moved);
    // All of a small one.
    const small = tensor('float32', 4, 16);
    expect(bytesMoved({ op: 'embedding', inputs: [small, indices], outputs })).toBe(moved - 2 * 64);
  });
});
