import { beforeAll, describe, expect, it } from 'vitest';
import { isStateful } from '../../lib/graph/index.ts';
import { exportModel, type GraphModule } from '../../lib/index.ts';
import { lower } from '../../lib/lowering/index.ts';
import * as nn from '../../lib/nn/index.ts';
import {
  compareModelOutputs,
  compareModelShadows,
  compareResults,
  computeSqnr,
  generateNumericDebugHandle,
} from '../../lib/numerics/index.ts';
import {
  calibrate,
  convertPt2e,
  getDefaultX86QuantizationConfig,
  moveExportedModelToEval,
  preparePt2e,
  prepareQatPt2e,
  smoothQuant,
  X86Quantizer,
} from '../../lib/quantization/index.ts';
import { Tensor } from '../../lib/tensor/index.ts';
import { TinyCNN } from '../models/tiny-cnn.ts';
import { transformerInput } from '../quantization/transformer.ts';
import { uniform } from '../support/graph-builder.ts';
import {
  comparedInput,
  expectAsPyTorch,
  type GoldenNumerics,
  goldenNumerics,
  logged,
  stagesWithHandles,
} from '../support/numerics.ts';
import { calibrationBatches, captureModel, prepareModel } from '../support/pt2e-goldens.ts';

/** Its samples, so many at a time. */
function* batchesOf({ data, shape: [count, ...rest] }: Tensor, size: number) {
  const each = data.length / count;
  for (let at = 0; at < count; at += size)
    yield new Tensor('float32', data.slice(at * each, (at + size) * each) as Float32Array, [size, ...rest]);
}

describe.each(['tiny_cnn', 'glyph_resnet'])('models of %s, in one native plan', (name) => {
  let stages: Awaited<ReturnType<typeof stagesWithHandles>>;
  let golden: GoldenNumerics;
  let input: Tensor;
  beforeAll(async () => {
    stages = await stagesWithHandles(name);
    golden = goldenNumerics(name);
    input = await comparedInput(name);
  });

  it.each([1, 4])('differ by what PyTorch finds, in %i batches', async (batches) => {
    const { captured, converted } = stages;
    const done: number[] = [];
    const found = await compareModelOutputs(captured, converted, batchesOf(input, input.shape[0] / batches), {
      onProgress: (count) => done.push(count),
    });
    expect([...found.keys()]).toEqual(golden.captured.map(({ handle }) => handle));
    for (const expected of golden.captured) {
      const node = found.get(expected.handle)!;
      expect([node.refNodeName, node.actualNodeName]).toEqual([expected.ref_node, expected.actual_node]);
      expectAsPyTorch(node, expected, expected.ref_node);
      // The largest of thousands, which a single value that falls the other way may be.
      expect(Math.abs(node.maxError - expected.max)).toBeLessThan(0.1 * expected.max);
    }
    expect(done).toEqual(Array.from({ length: batches }, (_, i) => i + 1));
  });

  it('give what the interpreter gives when one is lowered', async () => {
    const lowered = lower(stages.converted).module;
    const found = await compareModelOutputs(stages.captured, lowered, [input]);
    const expected = compareResults(logged(stages.captured, input), logged(lowered, input));
    expect([...found.keys()]).toEqual([...expected.keys()]);
    for (const [handle, { results }] of expected)
      expect(Math.abs(found.get(handle)!.sqnr - results[0].sqnr)).toBeLessThan(1e-3);
  });

  it('are the same while observers only look', async () => {
    // Folding a batch norm moves last bits of float32, which has 24.
    for (const { sqnr } of (await compareModelOutputs(stages.captured, stages.prepared, [input])).values())
      expect(sqnr).toBeGreaterThan(100);
  });

  it('have smaller errors when each layer is alone', async () => {
    for (const actual of [stages.converted, lower(stages.converted).module]) {
      const together = await compareModelOutputs(stages.captured, actual, [input]);
      const alone = await compareModelShadows(stages.captured, actual, [input]);
      expect([...alone.keys()]).toEqual([...together.keys()]);
      const [first, ...rest] = [...together.values()];
      // Nothing stands before the first one.
      expect(alone.get(first.handle)!.sqnr).toBeCloseTo(first.sqnr, 3);
      for (const { handle, sqnr } of rest) expect(alone.get(handle)!.sqnr).toBeGreaterThan(sqnr);
    }
  });
});

/** Three layers, of which the first is alone in what comes before the second. */
async function layers() {
  const x = uniform([16, 8], -1, 1, 5);
  const captured = exportModel(
    new nn.Sequential(new nn.Linear(8, 8), new nn.ReLU(), new nn.Linear(8, 8), new nn.Linear(8, 4)),
    { x },
  );
  generateNumericDebugHandle(captured);
  const prepared = preparePt2e(captured, new X86Quantizer().setGlobal(getDefaultX86QuantizationConfig()));
  await calibrate(prepared, [x]);
  return { x, captured, converted: convertPt2e(prepared) };
}

/** A linear layer of the converted model in float64, on an input that is quantized first. */
function quantizedLinear(module: GraphModule, name: string, input: Tensor): Tensor {
  const node = module.graph.nodes.find((each) => each.name === name)!;
  const [activation, weight, bias] = node.args as (typeof node)[];
  const [, scale, zeroPoint, low, high] = activation.args as readonly number[];
  const rounded = input.toArray().map((value) => {
    const q = Math.min(Math.max(Math.round(value / scale) + zeroPoint, low), high);
    return (q - zeroPoint) * scale;
  });
  const valuesOf = (arg: unknown) => module.attribute((arg as typeof node).target).toArray();
  const [integers, scales, biases] = [weight.args[0], weight.args[1], bias].map(valuesOf);
  const size = input.shape[1];
  const out = Array.from({ length: input.shape[0] * scales.length }, (_, i) => {
    const [row, column] = [Math.floor(i / scales.length), i % scales.length];
    let sum = biases[column];
    for (let k = 0; k < size; k++)
      sum += rounded[row * size + k] * integers[column * size + k] * scales[column];
    return sum;
  });
  return Tensor.from('float64', out, [input.shape[0], scales.length]);
}

describe('compareModelShadows', () => {
  it.each(['linear_1', 'linear_2'])('gives %s the values of the float model, quantized', async (name) => {
    const { x, captured, converted } = await layers();
    const floats = logged(captured, x);
    const handleOf = (node: string) =>
      captured.graph.nodes.find((each) => each.name === node)!.meta.numericDebugHandle!.handle;
    const input = floats.get(handleOf(name === 'linear_1' ? 'relu' : 'linear_1'))!.stats[0];
    const alone = quantizedLinear(converted, name, input);
    const found = (await compareModelShadows(captured, converted, [x])).get(handleOf(name))!;
    const ref = floats.get(handleOf(name))!.stats[0];
    expect(found.actualNodeName).toBe(name);
    expect(Math.abs(found.sqnr - computeSqnr(alone, ref))).toBeLessThan(1e-3);
  });
});

describe.each(['static', 'dynamic'])('a transformer, %s', (variant) => {
  it('is compared, also when it is lowered', async () => {
    const captured = await captureModel('transformer');
    generateNumericDebugHandle(captured);
    const prepared = await prepareModel('transformer', { isDynamic: variant === 'dynamic' });
    await calibrate(prepared, calibrationBatches('transformer'));
    const converted = convertPt2e(prepared);
    for (const actual of [converted, lower(converted).module])
      for (const compare of [compareModelOutputs, compareModelShadows]) {
        const found = await compare(captured, actual, [transformerInput(7)]);
        expect(found.size).toBeGreaterThan(30);
        // 8 bits of activations are 30 to 40 dB here. What is compared with the value of another place has none.
        for (const { refNodeName, sqnr } of found.values()) expect(sqnr, refNodeName).toBeGreaterThan(30);
      }
  });
});

describe('smoothQuant', () => {
  it('leaves no handle at a norm whose values it divides', async () => {
    const x = uniform([16, 8], -1, 1, 5);
    const captured = exportModel(new nn.Sequential(new nn.LayerNorm([8]), new nn.Linear(8, 4)), { x });
    generateNumericDebugHandle(captured);
    const { module, smoothings } = await smoothQuant(captured, [{ x }]);
    expect(smoothings[0].absorbedBy).toBeDefined();
    const found = [...(await compareModelOutputs(captured, module, [x])).values()];
    expect(found.map(({ refNodeName }) => refNodeName)).toEqual(['linear']);
    // Exact but for float32.
    expect(found[0].sqnr).toBeGreaterThan(100);
  });
});

describe('a model prepared for training', () => {
  it('differs from the float model by what loggers find, and hardly from the converted one', async () => {
    const x = uniform([4, 3, 16, 16], -1, 1, 1);
    const captured = exportModel(new TinyCNN().train(), { x });
    generateNumericDebugHandle(captured);
    const quantizer = new X86Quantizer().setGlobal(getDefaultX86QuantizationConfig({ isQat: true }));
    const prepared = moveExportedModelToEval(prepareQatPt2e(captured, quantizer));
    await expect(compareModelOutputs(captured, prepared, [x])).rejects.toThrow(
      "compareModelOutputs: the model is in training mode, as 'batch_norm' shows; call moveExportedModelToEval",
    );
    moveExportedModelToEval(captured);
    await calibrate(prepared, [uniform([4, 3, 16, 16], -1, 1, 2)]);
    const converted = convertPt2e(prepared);
    const states = () =>
      [...prepared.modules.values()].map(
        (each) => isStateful(each) && [...each.state.values()].map(({ data }) => [...data]),
      );
    const before = states();
    const found = await compareModelOutputs(captured, prepared, [x]);
    const expected = compareResults(logged(captured, x), logged(prepared, x));
    expect([...found.keys()]).toEqual([...expected.keys()]);
    expect(found.size).toBeGreaterThan(8);
    // Sums in another order move a few of some hundred values to the next integer.
    for (const [handle, { results, refNodeName }] of expected)
      expect(Math.abs(found.get(handle)!.sqnr - results[0].sqnr), refNodeName).toBeLessThan(0.2);
    for (const { sqnr } of (await compareModelShadows(converted, prepared, [x])).values())
      expect(sqnr).toBeGreaterThan(40);
    // Ranges do not move.
    expect(states()).toEqual(before);
  });
});

describe('comparators of the user', () => {
  it.each([compareModelOutputs, compareModelShadows])('are given both values: %o', async (compare) => {
    const { captured, converted } = await stagesWithHandles('tiny_cnn');
    const input = await comparedInput('tiny_cnn');
    const halves = [...batchesOf(input, input.shape[0] / 2)];
    for (const actual of [converted, lower(converted).module]) {
      const shapes = new Set<string>();
      const comparators = {
        sqnr: computeSqnr,
        elements: (x: Tensor, y: Tensor) => {
          shapes.add(`${x.dtype}[${x.shape}] ${y.dtype}[${y.shape}]`);
          return x.numel;
        },
      };
      const found = await compare(captured, actual, halves, { comparators });
      const apart = await Promise.all(halves.map((half) => compare(captured, actual, [half])));
      for (const [handle, { comparisons, refNodeName }] of found) {
        expect(Object.keys(comparisons)).toEqual(['sqnr', 'elements']);
        for (const [i, one] of apart.entries())
          expect(comparisons.sqnr[i], refNodeName).toBeCloseTo(one.get(handle)!.sqnr, 9);
      }
      for (const shape of shapes) expect(shape).toMatch(/^float32\[(.*)\] float32\[\1\]$/);
    }
  });

  it('must be functions that return numbers', async () => {
    const { x, captured, converted } = await layers();
    const none = { comparators: { none: () => undefined } } as never;
    await expect(compareModelOutputs(captured, converted, [x], none)).rejects.toThrow(
      /batch 0: node 'linear' of .*: comparator 'none' must return a number, got undefined/,
    );
    const failing = () => {
      throw new Error('no such channel');
    };
    await expect(compareModelOutputs(captured, converted, [x], { comparators: { failing } })).rejects.toThrow(
      /batch 0: node 'linear' of .*: comparator 'failing': no such channel/,
    );
    const text = { comparators: { psnr: 'psnr' } } as never;
    await expect(compareModelOutputs(captured, converted, [x], text)).rejects.toThrow(
      "compareModelOutputs: comparator 'psnr' must be a function of two tensors, got a string",
    );
  });
});

describe('both comparisons', () => {
  it.each([compareModelOutputs, compareModelShadows])(
    'refuse what cannot be compared: %o',
    async (compare) => {
      const { x, captured, converted } = await layers();
      const { name } = compare;
      const unnamed = exportModel(new nn.Linear(8, 4), { x });
      await expect(compare(unnamed, unnamed, [x])).rejects.toThrow(
        `${name}: no node has a numeric debug handle`,
      );
      const other = exportModel(new nn.Linear(8, 4), { y: x });
      generateNumericDebugHandle(other);
      await expect(compare(captured, other, [x])).rejects.toThrow(
        `${name}: the models have different inputs: 'x' (float32, rank 2); 'y' (float32, rank 2)`,
      );
      const sameInputs = exportModel(new nn.Linear(8, 4), { x });
      generateNumericDebugHandle(sameInputs);
      await expect(compare(captured, sameInputs, [x])).rejects.toThrow(
        `${name}: node 'linear' of the reference is [16, 8], and 'linear', which stands for it, [16, 4]`,
      );
      await expect(compare(captured, converted, [])).rejects.toThrow(`${name}: there are no batches`);
      await expect(compare(captured, converted, x as never)).rejects.toThrow('a single batch is [batch]');
      await expect(compare(captured, converted, [x], { progress: 1 } as never)).rejects.toThrow('"progress"');
      await expect(compare(captured, converted, [x, x.view([8, 16])])).rejects.toThrow(
        `${name}: batch 1: input 'x'`,
      );
      const broken = x.clone();
      broken.data[3] = NaN;
      await expect(compare(captured, converted, [broken])).rejects.toThrow(
        /batch 0: node 'linear' of the reference, '.*' of the actual model: a value is not a finite number/,
      );
      const signal = AbortSignal.abort(new Error('enough'));
      await expect(compare(captured, converted, [x], { signal })).rejects.toThrow('enough');
    },
  );
});
