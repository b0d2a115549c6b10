import { readFileSync } from 'node:fs';
import { operators } from '../../lib/aten/index.ts';
import { type GraphModule, Interpreter } from '../../lib/graph/index.ts';
import {
  extractResultsFromLoggers,
  generateNumericDebugHandle,
  prepareForPropagationComparison,
} from '../../lib/numerics/index.ts';
import { calibrate, convertPt2e } from '../../lib/quantization/index.ts';
import type { Tensor } from '../../lib/tensor/index.ts';
import { calibrationBatches, captureModel, glyphBatch, goldenTensor, prepareModel } from './pt2e-goldens.ts';

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

export const interpret = (module: GraphModule, input: Tensor) =>
  new Interpreter(module, operators).run([input]);

/** What every node gives for that input. */
export function logged(module: GraphModule, input: Tensor) {
  const copy = prepareForPropagationComparison(module);
  interpret(copy, input);
  return extractResultsFromLoggers(copy);
}
