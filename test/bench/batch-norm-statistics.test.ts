import { expect, it } from 'vitest';
import { fitBatchNorms } from '../../bench/batch-norm-statistics.ts';
import { pseudoRandom } from '../../bench/pseudo-random.ts';
import { exportModel, Interpreter, operators, Tensor } from '../../lib/index.ts';
import { BatchNorm2d, Conv2d, manualSeed, Sequential } from '../../lib/nn/index.ts';

it('every batch norm normalizes what reaches it, however deep it lies', () => {
  manualSeed(0);
  const layers = [0, 1, 2].flatMap(() => [new Conv2d(8, 8, 3, { groups: 8 }), new BatchNorm2d(8)]);
  const batch = new Tensor('float32', pseudoRandom(4 * 8 * 12 * 12, 1), [4, 8, 12, 12]);
  const module = exportModel(new Sequential(...layers).eval(), { x: batch });
  fitBatchNorms(module, batch);
  const outputs: Tensor[] = [];
  new Interpreter(module, operators).run([batch], (node, value) => {
    if (node.target === 'aten.batch_norm.default') outputs.push(value as Tensor);
  });
  expect(outputs).toHaveLength(3);
  for (const output of outputs) {
    const [images, channels, height, width] = output.shape;
    for (let channel = 0; channel < channels; channel++) {
      const values = output.toArray().filter((_, i) => Math.floor(i / height / width) % channels === channel);
      const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
      const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
      expect(values).toHaveLength(images * height * width);
      expect(mean).toBeCloseTo(0, 4);
      // Below 1 by eps, 1e-5, over what variances the convolutions give, about 0.1.
      expect(variance).toBeCloseTo(1, 2);
    }
  }
});
