import { beforeAll, describe, expect, it } from 'vitest';
import { operators } from '../../lib/aten/index.ts';
import { type GraphModule, Interpreter } from '../../lib/graph/index.ts';
import { convertPt2e } from '../../lib/quantization/index.ts';
import type { Tensor } from '../../lib/tensor/index.ts';
import {
  captureModel,
  expectSameGraph,
  glyphBatch,
  goldenJson,
  goldenTensor,
  goldenText,
  hasGoldensKernels,
  prepareModel,
  print,
  quantizeModel,
} from '../support/pt2e-goldens.ts';
import { expectSameQdq } from './qdq-list.ts';

const run = (module: GraphModule, input: Tensor) =>
  new Interpreter(module, operators).run([input])[0].toArray();

const differences = (a: readonly number[], b: readonly number[]) => a.map((value, i) => value - b[i]);

interface StoredTensor {
  readonly dtype: string;
  readonly shape: number[];
  readonly data: number[];
}

function expectSameWeights(module: GraphModule, folder: string): void {
  const stored = goldenJson<Record<string, StoredTensor>>(`${folder}/converted_tensors.json`);
  expect(module.attributes.size).toBeGreaterThan(0);
  for (const [name, tensor] of module.attributes) {
    const expected = stored[name];
    expect(expected, name).toBeDefined();
    expect([`torch.${tensor.dtype}`, ...tensor.shape], name).toEqual([expected.dtype, ...expected.shape]);
    // PyTorch's arithmetic to the bit: folded weights, their scales and integers depend on no kernel.
    expect(tensor.toArray(), name).toEqual(
      expected.data.map((v) => (tensor.dtype === 'float32' ? Math.fround(v) : v)),
    );
  }
}

const rms = (values: number[]) => Math.sqrt(values.reduce((sum, v) => sum + v * v, 0) / values.length);

const largest = (values: number[]) => values.reduce((max, v) => Math.max(max, Math.abs(v)), 0);

describe.each([
  ['tiny_cnn', {}],
  ['tiny_cnn_rr', { reduceRange: true }],
] as const)('%s', (folder, options) => {
  let module: GraphModule;
  beforeAll(async () => {
    module = (await quantizeModel('tiny_cnn', options)).converted;
  });

  it('is the graph that convert_pt2e makes', () =>
    expectSameGraph(print(module), goldenText(`${folder}/graph_2_converted.txt`)));

  it('has its quantize and dequantize nodes', () => expectSameQdq(module, folder));

  it('has its weights, integers included', () => expectSameWeights(module, folder));
});

describe('tiny_cnn, dynamic', () => {
  it('needs no calibration and is the graph that convert_pt2e makes', async () => {
    const module = convertPt2e(await prepareModel('tiny_cnn', { isDynamic: true }));
    expectSameGraph(print(module), goldenText('tiny_cnn_dynamic/graph_2_converted.txt'));
    expectSameQdq(module, 'tiny_cnn_dynamic');
    expectSameWeights(module, 'tiny_cnn_dynamic');
  });
});

interface WeightSummary {
  readonly dtype: string;
  readonly shape: number[];
  readonly data: { readonly sum: number; readonly first64: number[] };
}

describe.each([
  ['static', {}],
  ['dynamic', { isDynamic: true }],
] as const)('a transformer, %s', (variant, options) => {
  const folder = `transformer_${variant}`;
  let module: GraphModule;
  beforeAll(async () => {
    module =
      variant === 'static'
        ? (await quantizeModel('transformer', options)).converted
        : convertPt2e(await prepareModel('transformer', options));
  });

  it('is the graph that convert_pt2e makes', () => {
    expectSameGraph(print(module), goldenText(`${folder}/graph_2_converted.txt`));
    expectSameQdq(module, folder);
  });

  it('has its weights, integers included', () => {
    const weights = goldenJson<Record<string, WeightSummary>>(`${folder}/weights.json`);
    const frozen = Object.keys(weights).filter((name) => name.startsWith('_frozen'));
    expect(frozen).toHaveLength(12);
    for (const name of frozen) {
      const tensor = module.attribute(name);
      const expected = weights[name];
      expect([`torch.${tensor.dtype}`, ...tensor.shape]).toEqual([expected.dtype, ...expected.shape]);
      const values = tensor.toArray();
      expect(values.slice(0, 64)).toEqual(expected.data.first64);
      expect(values.reduce((a, b) => a + b)).toBe(expected.data.sum);
    }
  });

  it('answers as PyTorch’s does', () => {
    const expected = goldenTensor(`${folder}/eval_out_qdq_first4096`).toArray();
    const output = run(module, goldenTensor('transformer_static/eval_in'));
    // Quantization itself costs an rms of 0.004 here. Kernels that add in another order round single values to the next
    // integer, which moves everything after them: the least of what int8 costs, never as much as half of it.
    expect(rms(expected.map((value, i) => output[i] - value))).toBeLessThanOrEqual(0.002);
  });
});

describe('tiny_cnn in floating point', () => {
  it('gives PyTorch’s outputs, captured and prepared', async () => {
    const input = goldenTensor('tiny_cnn/eval_in');
    const expected = goldenTensor('tiny_cnn/eval_out_fp32').toArray();
    for (const module of [await captureModel('tiny_cnn'), await prepareModel('tiny_cnn')]) {
      const errors = run(module, input).map((value, i) => value - expected[i]);
      expect(largest(errors)).toBeLessThanOrEqual(1e-4 * largest(expected));
    }
  });
});

const glyphs = ['glyph_resnet', 'glyph_mobilenet'] as const;
const variants = [
  ['static', {}],
  ['reduce_range', { reduceRange: true }],
] as const;

describe.each(glyphs)('%s', (name) => {
  it.each(variants)(
    '%s is the graph that convert_pt2e makes, and answers as PyTorch’s does',
    async (variant, options) => {
      const { converted } = await quantizeModel(name, options);
      expectSameGraph(print(converted), goldenText(`${name}/${variant}/graph_2_converted.txt`));
      expectSameQdq(converted, `${name}/${variant}`);
      const images = await glyphBatch('test.npz', 0, 256);
      const expected = goldenTensor(`${name}/${variant}/logits_first256`).toArray();
      const inFloat = goldenTensor(`${name}/float_logits_first256`).toArray();
      const logits = run(converted, images);
      const quantizationError = rms(differences(expected, inFloat));
      // The same recipe on nearly the same scales is as close to the float model as PyTorch's.
      expect(rms(differences(logits, inFloat))).toBeLessThanOrEqual(1.1 * quantizationError);
      // Where scales agree to the last bits, kernels that add in another order move single values to the next integer.
      // Such steps are rare, so what they do to the logits is small beside what quantization itself did to them in PyTorch.
      if (hasGoldensKernels)
        expect(rms(differences(logits, expected))).toBeLessThanOrEqual(0.25 * quantizationError);
    },
  );

  it('gives PyTorch’s logits in floating point', async () => {
    const expected = goldenTensor(`${name}/float_logits_first256`).toArray();
    const logits = run(await captureModel(name), await glyphBatch('test.npz', 0, 256));
    expect(largest(logits.map((logit, i) => logit - expected[i]))).toBeLessThanOrEqual(
      1e-4 * largest(expected),
    );
  });
});
