import { describe, expect, it } from 'vitest';
import { operators } from '../../lib/aten/index.ts';
import { loadPt2 } from '../../lib/capture/index.ts';
import { Interpreter } from '../../lib/graph/index.ts';
import { lower } from '../../lib/lowering/index.ts';
import { compile } from '../../lib/runtime/index.ts';
import type { Tensor } from '../../lib/tensor/index.ts';
import { glyphBatch, goldenTensor } from '../support/pt2e-goldens.ts';

/**
 * Programs that PyTorch's and torchao's `convert_pt2e` made; the goldens hold what PyTorch computes with them. `enough`
 * decibels have to be between the two: values halfway between two integers are rounded apart where sums are in another
 * order, and each layer spreads that. A wrong scale or a layer in float would cost as much as quantization itself.
 */
const programs = [
  {
    name: "tiny_cnn of PyTorch 2.6's own quantization",
    path: 'test/fixtures/pt2e/tiny_cnn/converted.pt2',
    input: async () => goldenTensor('tiny_cnn/eval_in'),
    golden: 'tiny_cnn/eval_out_qdq',
    int8: 4,
    // 56.7 are seen; the float network is 43.9 away.
    enough: 50,
  },
  {
    name: 'glyph_mobilenet of torchao 0.19 on PyTorch 2.14',
    path: 'test/fixtures/torchao/glyph_mobilenet/converted.pt2',
    input: () => glyphBatch('test.npz', 0, 256),
    golden: '../torchao/glyph_mobilenet/logits_first256',
    int8: 18,
    // 41.3 are seen; the float network is 26.8 away.
    enough: 36,
  },
];

/** How far the results are above their difference, in decibels. */
function decibels(actual: readonly number[], expected: readonly number[]): number {
  const power = (values: readonly number[]) => values.reduce((sum, value) => sum + value * value, 0);
  return 10 * Math.log10(power(expected) / power(expected.map((value, i) => value - actual[i])));
}

describe.each(programs)('$name', ({ path, input, golden, int8, enough }) => {
  it('computes what it computes there, in quantized and in lowered form', async () => {
    const module = await loadPt2(path);
    const x = await input();
    const expected = goldenTensor(golden).toArray();
    const run = (result: Tensor) => decibels(result.toArray(), expected);
    expect(run(new Interpreter(module, operators).run([x])[0])).toBeGreaterThan(enough);
    const { module: lowered } = lower(module, { strict: true });
    const quantized = lowered.graph.nodes.filter(({ target }) => /^onednn\.q(conv|linear)/.test(target));
    expect(quantized.length).toBe(int8);
    using model = compile(lowered);
    expect(run(Object.values(await model.run(x))[0])).toBeGreaterThan(enough);
  });
});
