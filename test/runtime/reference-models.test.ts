import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { operators } from '../../lib/aten/index.ts';
import { loadPt2 } from '../../lib/capture/index.ts';
import { loadNpz } from '../../lib/formats/npz.ts';
import { Interpreter } from '../../lib/graph/index.ts';
import { lower } from '../../lib/lowering/index.ts';
import { compile } from '../../lib/runtime/index.ts';
import { Tensor } from '../../lib/tensor/index.ts';

const root = new URL('../../', import.meta.url);
const pathOf = (name: string) => new URL(name, root).pathname;

/** A float32 array that PyTorch wrote, with its shape in the file beside it. */
function golden(name: string): Tensor {
  const { shape } = JSON.parse(readFileSync(pathOf(`test/fixtures/${name}.json`), 'utf8'));
  return Tensor.fromBytes('float32', readFileSync(pathOf(`test/fixtures/${name}.bin`)), shape);
}

/** The first images of the glyphs' test set, as the models take them. */
async function glyphs(count: number): Promise<Tensor> {
  const images = (await loadNpz(pathOf('models/glyphs/test.npz'))).get('x')!;
  const pixels = images.data.subarray(0, count * 3 * 32 * 32) as Uint8Array;
  return new Tensor(
    'float32',
    Float32Array.from(pixels, (p) => (p / 255 - 0.5) / 0.25),
    [count, 3, 32, 32],
  );
}

/** Largest difference, as a part of the largest value. */
function difference(actual: Tensor, expected: Tensor): number {
  expect(actual.shape).toEqual(expected.shape);
  const [a, b] = [actual.toArray(), expected.toArray()];
  return Math.max(...a.map((value, i) => Math.abs(value - b[i]))) / Math.max(...b.map(Math.abs));
}

const floatModels: [string, () => Promise<Tensor>, string][] = [
  ['tiny_cnn', async () => golden('pt2e/tiny_cnn/eval_in'), 'pt2e/tiny_cnn/eval_out_fp32'],
  ['glyph_resnet', () => glyphs(256), 'glyph_resnet/float_logits_first256'],
  ['glyph_mobilenet', () => glyphs(256), 'glyph_mobilenet/float_logits_first256'],
];

describe('a float model from PyTorch', () => {
  it.each(floatModels)('%s gives what it gives there', async (name, input, output) => {
    const captured = await loadPt2(pathOf(`models/${name}.pt2`));
    const x = await input();
    for (const module of [captured, lower(captured).module]) {
      using model = compile(module);
      const { linear } = await model.run(x);
      // Sums of float32 in another order; PyTorch's own backends differ by as much.
      expect(difference(linear, golden(output))).toBeLessThan(1e-4);
      for (const step of model.plan(x.shape).steps) expect(step.implementation).not.toMatch(/\bref\b/);
    }
  });

  it.each(floatModels)('%s gives the same in every batch', async (name, input) => {
    using model = compile(await loadPt2(pathOf(`models/${name}.pt2`)));
    const x = await input();
    const whole = (await model.run(x)).linear.toArray();
    const [, ...image] = x.shape;
    const size = x.numel / x.shape[0];
    for (const batch of [1, 3]) {
      const part = new Tensor('float32', x.data.subarray(0, batch * size) as Float32Array, [batch, ...image]);
      const classes = whole.length / x.shape[0];
      const expected = Tensor.from('float32', whole.slice(0, batch * classes), [batch, classes]);
      expect(difference((await model.run(part)).linear, expected)).toBeLessThan(1e-5);
    }
  });
});

describe('a quantized model from PyTorch', () => {
  it('runs as integers and gives what it gives there', async () => {
    const converted = await loadPt2(pathOf('test/fixtures/pt2e/tiny_cnn/converted.pt2'));
    const x = golden('pt2e/tiny_cnn/eval_in');
    const expected = golden('pt2e/tiny_cnn/eval_out_qdq');
    const { module } = lower(converted);
    using model = compile(module);
    const { linear: y } = await model.run(x);
    const [interpreted] = new Interpreter(module, operators).run([x]);
    // PyTorch computes in float between its quantized values: one of 255 steps may round the other way.
    expect(difference(y, expected)).toBeLessThan(1 / 255);
    expect(difference(y, interpreted)).toBeLessThan(1e-5);
    expect(model.plan(x.shape).steps.map(({ op, dtype }) => `${op} ${dtype}`)).toEqual([
      'quantize uint8',
      'convolution uint8',
      'pool uint8',
      'convolution uint8',
      'convolution uint8',
      'pool uint8',
      'linear float32',
    ]);
  });
});
