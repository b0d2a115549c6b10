import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { operators } from '../../lib/aten/index.ts';
import { loadPt2 } from '../../lib/capture/index.ts';
import { loadNpz } from '../../lib/formats/npz.ts';
import { Interpreter } from '../../lib/graph/index.ts';
import { Tensor } from '../../lib/tensor/index.ts';

/** Float32 results that PyTorch 2.6 computed with the same models. */
const golden = (name: string, shape: readonly number[]) =>
  Tensor.fromBytes(
    'float32',
    readFileSync(new URL(`../fixtures/models/${name}.f32`, import.meta.url)),
    shape,
  );

// For float32 results, relative to the largest; the order of additions is all that differs.
const RELATIVE = 1e-4;

function expectClose(actual: Tensor, expected: Tensor): void {
  expect(actual.shape).toEqual(expected.shape);
  const largest = Math.max(...expected.toArray().map(Math.abs));
  for (let i = 0; i < expected.numel; i++)
    expect(Math.abs(Number(actual.data[i]) - Number(expected.data[i]))).toBeLessThan(RELATIVE * largest);
}

describe('float results of captured models', () => {
  it('tiny_cnn', async () => {
    const module = await loadPt2('models/tiny_cnn.pt2');
    const [y] = new Interpreter(module, operators).run([golden('tiny_cnn_in', [2, 3, 32, 32])]);
    expectClose(y, golden('tiny_cnn_out', [2, 10]));
  });

  it.each(['glyph_resnet', 'glyph_mobilenet'])('%s on the first 256 test images', async (name) => {
    const module = await loadPt2(`models/${name}.pt2`);
    const images = (await loadNpz('models/glyphs/test.npz')).get('x')!;
    const data = Float32Array.from(
      images.data.subarray(0, 256 * 3 * 32 * 32) as Uint8Array,
      (u) => (u / 255 - 0.5) / 0.25,
    );
    const [y] = new Interpreter(module, operators).run([new Tensor('float32', data, [256, 3, 32, 32])]);
    expectClose(y, golden(`${name}_logits256`, [256, 36]));
  });
});
