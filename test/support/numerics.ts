import { readFileSync } from 'node:fs';
import { expect } from 'vitest';
import { operators } from '../../lib/aten/index.ts';
import { type GraphModule, Interpreter, type OperatorLibrary } from '../../lib/graph/index.ts';
import {
  type Comparison,
  extractResultsFromLoggers,
  generateNumericDebugHandle,
  prepareForPropagationComparison,
} from '../../lib/numerics/index.ts';
import { calibrate, convertPt2e } from '../../lib/quantization/index.ts';
import type { Tensor } from '../../lib/tensor/index.ts';
import {
  calibrationBatches,
  captureModel,
  glyphBatch,
  goldenTensor,
  hasGoldensKernels,
  prepareModel,
} from './pt2e-goldens.ts';

/** Measures of one pair, as script/goldens/numerics.py writes them. */
export interface GoldenMeasures {
  readonly mse: number;
  readonly sqnr: number;
  readonly cosine: number;
  readonly l2: number;
  readonly max: number;
}

export interface GoldenSummary extends GoldenMeasures {
  readonly handle: number;
  readonly ref_node: string;
  readonly actual_node: string;
  readonly ref_module: string;
  readonly actual_module: string;
}

/** What PyTorch 2.6 found. */
export interface GoldenNumerics {
  readonly handles: Readonly<Record<string, number>>;
  readonly folded: Readonly<Record<string, number>>;
  readonly captured: readonly GoldenSummary[];
  readonly prepared: readonly GoldenSummary[];
  readonly weights: readonly {
    readonly node: string;
    readonly layer: GoldenMeasures;
    readonly channels: readonly GoldenMeasures[];
  }[];
}

export const goldenNumerics = (name: string) =>
  JSON.parse(
    readFileSync(new URL(`../fixtures/numerics/${name}.json`, import.meta.url), 'utf8'),
  ) as GoldenNumerics;

/** The stages of a network with handles, calibrated as PyTorch's was. */
export async function stagesWithHandles(name: string) {
  const captured = await captureModel(name);
  generateNumericDebugHandle(captured);
  const prepared = await prepareModel(name);
  await calibrate(prepared, calibrationBatches(name));
  return { captured, prepared, converted: convertPt2e(prepared) };
}

/** The input that PyTorch compared on. */
export const comparedInput = (name: string): Promise<Tensor> =>
  name === 'tiny_cnn' ? Promise.resolve(goldenTensor('tiny_cnn/eval_in')) : glyphBatch('test.npz', 0, 64);

export const interpret = (module: GraphModule, input: Tensor, library: OperatorLibrary = operators) =>
  new Interpreter(module, library).run([input]);

/** What every node gives for that input. */
export function logged(module: GraphModule, input: Tensor, library: OperatorLibrary = operators) {
  const copy = prepareForPropagationComparison(module);
  interpret(copy, input, library);
  return extractResultsFromLoggers(copy);
}

/** In whose order the averages of a model were summed. */
type Averages = 'PyTorch’s' | 'Octavo’s';

/**
 * Decibels. Where kernels add as PyTorch's do, few values move to the next integer; elsewhere scales differ too. The average of quantized
 * values is often exactly between two integers, of 249 values out of 4096 in glyph_resnet, and the last bit of a sum decides: nothing else
 * is different behind it, as sums in PyTorch's order show. In tiny_cnn, which has 128 such values and 80 results, one that falls the
 * other way is 0.08 dB there and 0.16 dB in what follows.
 */
const toleranceFor = (node: string, averages: Averages) => {
  if (!hasGoldensKernels) return 0.5;
  return averages === 'Octavo’s' && /^(adaptive_avg_pool2d|flatten|linear)/.test(node) ? 0.2 : 1e-3;
};

export function expectAsPyTorch(
  result: Comparison,
  golden: GoldenMeasures,
  node: string,
  averages: Averages = 'Octavo’s',
): void {
  const tolerance = toleranceFor(node, averages);
  expect(Math.abs(result.sqnr - golden.sqnr), `${node}: ${result.sqnr} for ${golden.sqnr}`).toBeLessThan(
    tolerance,
  );
  // 1e-3 dB are 1.2e-4 of the error's length, twice that of its square.
  const relative = tolerance / 4;
  expect(Math.abs(result.mseLoss - golden.mse), node).toBeLessThan(relative * golden.mse);
  expect(Math.abs(result.normalizedL2Error - golden.l2), node).toBeLessThan(relative * golden.l2);
  // What a cosine is away from 1 goes with the square of the error. Its sums are float64, here and there.
  expect(Math.abs(result.cosineSimilarity - golden.cosine), node).toBeLessThan(
    1e-12 + relative * golden.l2 ** 2,
  );
}
