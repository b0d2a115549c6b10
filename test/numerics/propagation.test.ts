import { beforeAll, describe, expect, it } from 'vitest';
import { loadPt2 } from '../../lib/capture/index.ts';
import { exportModel } from '../../lib/index.ts';
import { lower } from '../../lib/lowering/index.ts';
import {
  compareResults,
  computeSqnr,
  extractResultsFromLoggers,
  generateNumericDebugHandle,
  prepareForPropagationComparison,
} from '../../lib/numerics/index.ts';
import {
  calibrate,
  convertPt2e,
  getDefaultX86QuantizationConfig,
  moveExportedModelToEval,
  prepareQatPt2e,
  X86Quantizer,
} from '../../lib/quantization/index.ts';
import { Tensor } from '../../lib/tensor/index.ts';
import { TinyCNN } from '../models/tiny-cnn.ts';
import { uniform } from '../support/graph-builder.ts';
import {
  comparedInput,
  expectAsPyTorch,
  type GoldenNumerics,
  goldenNumerics,
  interpret,
  logged,
  stagesWithHandles,
} from '../support/numerics.ts';
import { print } from '../support/pt2e-goldens.ts';
import { pytorchsAverages } from '../support/pytorch-average.ts';

/** As this project writes the path of a module. */
const path = (module: string) => (module === 'None' ? '' : module.replace(/^L\['s'\]\.?/, ''));

describe.each(['tiny_cnn', 'glyph_resnet'])('%s', (name) => {
  let stages: Awaited<ReturnType<typeof stagesWithHandles>>;
  let golden: GoldenNumerics;
  let input: Tensor;
  beforeAll(async () => {
    stages = await stagesWithHandles(name);
    golden = goldenNumerics(name);
    input = await comparedInput(name);
  });

  const nameOf = (handle: number) =>
    Object.keys(golden.handles).find((node) => golden.handles[node] === handle)!;

  it('has the handles that PyTorch gives', () => {
    const handles = stages.captured.graph.nodes.flatMap(({ name, meta }) =>
      meta.numericDebugHandle ? [[name, meta.numericDebugHandle.handle]] : [],
    );
    expect(Object.fromEntries(handles)).toEqual(golden.handles);
  });

  it('captured and converted differ by what PyTorch finds, node by node', () => {
    const summaries = compareResults(logged(stages.captured, input), logged(stages.converted, input));
    expect([...summaries.keys()]).toEqual(golden.captured.map(({ handle }) => handle));
    for (const expected of golden.captured) {
      const summary = summaries.get(expected.handle)!;
      expect([summary.refNodeName, summary.actualNodeName]).toEqual([
        expected.ref_node,
        expected.actual_node,
      ]);
      expect([summary.refModulePath, summary.actualModulePath]).toEqual(
        [expected.ref_module, expected.actual_module].map(path),
      );
      expectAsPyTorch(summary.results[0], expected, nameOf(expected.handle));
    }
  });

  it('that is 0.001 dB behind averages, too, if these are summed in PyTorch’s order', () => {
    const [ref, actual] = [stages.captured, stages.converted].map((stage) =>
      logged(stage, input, pytorchsAverages),
    );
    const summaries = compareResults(ref, actual);
    expect(golden.captured.some(({ ref_node }) => /^adaptive_avg_pool2d/.test(ref_node))).toBe(true);
    for (const expected of golden.captured)
      expectAsPyTorch(
        summaries.get(expected.handle)!.results[0],
        expected,
        nameOf(expected.handle),
        'PyTorch’s',
      );
  });

  it('prepared and converted do, too', () => {
    const summaries = compareResults(logged(stages.prepared, input), logged(stages.converted, input));
    // A convolution that a batch norm was folded into has the batch norm's handle here, and its own in PyTorch.
    const handleOf = (handle: number) => golden.folded[handle] ?? handle;
    expect([...summaries.keys()]).toEqual(golden.prepared.map(({ handle }) => handleOf(handle)));
    for (const expected of golden.prepared) {
      const summary = summaries.get(handleOf(expected.handle))!;
      expect([summary.refNodeName, summary.actualNodeName]).toEqual([
        expected.ref_node,
        expected.actual_node,
      ]);
      expectAsPyTorch(summary.results[0], expected, nameOf(expected.handle));
    }
  });

  it('lowered computes what converted does, and its integers are known as what they stand for', () => {
    const lowered = lower(stages.converted).module;
    const found = compareResults(logged(stages.captured, input), logged(lowered, input));
    const layers = stages.captured.graph.nodes.filter(({ target }) => /conv2d|linear/.test(target));
    // Every fused layer has one value: that of the last operator it computes.
    expect(found.size).toBeGreaterThanOrEqual(layers.length);
    const byHandle = new Map(golden.captured.map((summary) => [summary.handle, summary]));
    for (const [handle, { results, refNodeName }] of found) {
      const expected = byHandle.get(handle)!.sqnr;
      // The value is quantized already: that costs some decibels of a node that the converted model gives as a float.
      expect(results[0].sqnr, refNodeName).toBeGreaterThan(expected - 6);
      expect(results[0].sqnr, refNodeName).toBeLessThan(expected + 1);
    }
    const last = [...found.values()].at(-1)!;
    expect(Math.abs(last.results[0].sqnr - golden.captured.at(-1)!.sqnr)).toBeLessThan(0.5);
  });
});

describe('logged models', () => {
  it('leave what observers have seen as it was', async () => {
    const { prepared, converted } = await stagesWithHandles('tiny_cnn');
    const input = (await comparedInput('tiny_cnn')).clone();
    logged(
      prepared,
      new Tensor(
        'float32',
        (input.data as Float32Array).map((x) => 100 * x),
        input.shape,
      ),
    );
    expect(print(convertPt2e(prepared))).toBe(print(converted));
  });

  it('leave the range of fake quantizers as it was', async () => {
    const captured = exportModel(new TinyCNN().train(), { x: uniform([4, 3, 16, 16], -1, 1, 1) });
    generateNumericDebugHandle(captured);
    const quantizer = new X86Quantizer().setGlobal(getDefaultX86QuantizationConfig({ isQat: true }));
    const prepared = moveExportedModelToEval(prepareQatPt2e(captured, quantizer));
    await calibrate(prepared, [uniform([4, 3, 16, 16], -1, 1, 2)]);
    const converted = print(convertPt2e(prepared));
    logged(prepared, uniform([4, 3, 16, 16], -50, 50, 3));
    expect(print(convertPt2e(prepared))).toBe(converted);
  });

  it('give a user’s own measure', async () => {
    const { captured, converted } = await stagesWithHandles('tiny_cnn');
    const input = await comparedInput('tiny_cnn');
    for (const { results } of compareResults(logged(captured, input), logged(converted, input)).values())
      expect(results[0].loss(computeSqnr)).toBe(results[0].sqnr);
  });

  it('keep one value a run, and say when models ran on different inputs', async () => {
    const { captured } = await stagesWithHandles('tiny_cnn');
    const input = await comparedInput('tiny_cnn');
    const [once, twice, smaller] = [captured, captured, captured].map(prepareForPropagationComparison);
    interpret(once, input);
    interpret(twice, input);
    interpret(twice, input);
    interpret(smaller, new Tensor('float32', input.data.slice(0, 768) as Float32Array, [1, 3, 16, 16]));
    const [one, two, other] = [once, twice, smaller].map(extractResultsFromLoggers);
    expect([...compareResults(two, two).values()][0].results).toHaveLength(2);
    expect(() => compareResults(one, two)).toThrow(
      "node 'conv2d' of the reference, 'conv2d' of the actual model: ran 1 and 2 times; run both on the same inputs",
    );
    expect(() => compareResults(one, other)).toThrow(/node 'conv2d' of.*different shapes: \[1, 16/);
  });

  it('are refused without handles, and results without loggers', async () => {
    const captured = await loadPt2(new URL('../../models/tiny_cnn.pt2', import.meta.url).pathname);
    expect(() => prepareForPropagationComparison(captured)).toThrow(
      'no node has a numeric debug handle; call generateNumericDebugHandle on the captured model',
    );
    expect(() => extractResultsFromLoggers(captured)).toThrow('the model has no loggers');
    expect(() => compareResults(new Map(), new Map())).toThrow('no node in common, of 0 and 0 with values');
    expect(() => generateNumericDebugHandle(Promise.resolve() as never)).toThrow('await it first');
  });
});
