import { describe, expect, test } from 'vitest';
import type { Tensor } from '../../lib/tensor/index.ts';
import { differentiated, type GradientCase, indices, nameOf, Random, x } from '../support/gradients.ts';
import { random } from '../support/graph-builder.ts';
import { build, execute } from '../support/run-plan.ts';

const f = (target: string, ...args: GradientCase['args']): GradientCase => ({
  target: `aten.${target}`,
  args,
});

/** What adds gradients up in steps of our own, with as many elements as several threads share. */
const cases: readonly GradientCase[] = [
  f('embedding.default', x(40, 64), indices(40, 3000)),
  f('index.Tensor', x(60, 50), [indices(60, 300, 100), indices(50, 300, 100)]),
  f('gather.default', x(64, 500), 1, indices(500, 64, 900)),
  f('unfold.default', x(64, 2000), 1, 9, 1),
  f('upsample_bilinear2d.default', x(4, 16, 40, 30), [97, 71], false),
  f('upsample_bicubic2d.default', x(4, 16, 40, 30), [25, 44], true),
  f('upsample_nearest2d.default', x(4, 16, 40, 30), [80, 75]),
  f('max_pool2d.default', x(4, 16, 60, 60), [3, 3], [1, 1], [1, 1]),
  f('avg_pool2d.default', x(4, 16, 60, 60), [5, 5], [2, 2], [2, 2]),
  { ...f('max_pool2d_with_indices.default', x(4, 16, 60, 60), [3, 3], [1, 1], [1, 1]), results: [0] },
];

const bytesOf = ({ data }: Tensor) => Buffer.from(data.buffer, data.byteOffset, data.byteLength);

describe('gradients are the same on any number of threads', () => {
  test.each(cases.map((each) => [nameOf(each), each] as const))('%s', (_, each) => {
    const next = random(3);
    const values = (count: number, { low, high, dtype }: Pick<Random, 'low' | 'high' | 'dtype'>) =>
      Array.from({ length: count }, () => {
        const value = low + (high - low) * next();
        return dtype === 'float32' ? Math.fround(value) : Math.floor(value);
      });
    const tensors = each.args.flat().filter((arg) => arg instanceof Random);
    const numelOf = (shape: readonly number[]) => shape.reduce((a, b) => a * b, 1);
    const { module, inputs } = differentiated(
      each,
      tensors.map((of) => values(numelOf(of.shape), of)),
      'float32',
      (shapes) => shapes.map((shape) => values(numelOf(shape), x())),
    );
    const [alone] = execute(build(module), inputs);
    for (const threads of [2, 3, 4]) {
      const [together] = execute(build(module, threads), inputs, threads);
      expect(bytesOf(together).equals(bytesOf(alone))).toBe(true);
    }
  });
});
