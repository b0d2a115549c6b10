import { beforeAll, describe, expect, it } from 'vitest';
import { lower } from '../../lib/lowering/index.ts';
import * as nn from '../../lib/nn/index.ts';
import { collectReport, type NodeFacts, type ReportFacts } from '../../lib/report/index.ts';
import { compile } from '../../lib/runtime/index.ts';
import type { Tensor } from '../../lib/tensor/index.ts';
import { GraphBuilder, uniform } from '../support/graph-builder.ts';
import { convertedModule, type Quantized, residual } from '../support/report.ts';

let subject: Quantized;
let facts: ReportFacts;
beforeAll(async () => {
  subject = await residual();
  facts = await collectReport(
    { ...subject, batches: () => subject.batches },
    { title: 'residual', threads: 1 },
  );
}, 60_000);

const nodeOf = (modulePath: string): NodeFacts => facts.nodes.find((node) => node.modulePath === modulePath)!;
const valuesOf = (tensors: readonly Tensor[]) => tensors.flatMap(({ data }) => [...(data as Float32Array)]);

describe('the network', () => {
  it('has the nodes that run, with what each computes, and the connections between them', () => {
    const inputsOf = ({ inputs }: NodeFacts) =>
      inputs.map((name) => facts.nodes.find((node) => node.name === name)!);
    const [stem, body, head] = ['stem', 'body', 'head'].map(nodeOf);
    expect(stem.operators.map(({ target }) => target)).toEqual(['aten.conv2d.default', 'aten.relu.default']);
    expect(body.operators.map(({ target }) => target)).toEqual([
      'aten.conv2d.default',
      'aten.add.Tensor',
      'aten.relu.default',
    ]);
    // Its input and what is added.
    expect(inputsOf(body)).toEqual([stem]);
    const [quantize] = inputsOf(stem);
    expect(quantize.target).toBe('quantized_decomposed.quantize_per_tensor.default');
    expect(inputsOf(quantize)).toMatchObject([
      { kind: 'input', target: 'x', dtype: 'float32', shape: [4, 3, 6, 6] },
    ]);
    const output = facts.nodes.at(-1)!;
    expect(output).toMatchObject({ kind: 'output', dtype: 'float32', shape: [4, 5] });
    expect(inputsOf(output)).toEqual([head]);
    expect(stem).toMatchObject({ kind: 'operator', dtype: 'uint8', shape: [4, 8, 6, 6] });
  });

  it('is JSON', () => {
    expect(JSON.parse(JSON.stringify(facts))).toEqual(facts);
  });
});

describe('ranges', () => {
  it('are what the integers stand for', () => {
    const { scale, zeroPoint, low, high } = nodeOf('stem').quantization!;
    expect(zeroPoint).toBe(0);
    expect({ low, high: high / scale }).toEqual({ low: 0, high: 255 });
  });

  it('of the input clip what would be rounded to a number beyond them', () => {
    const { quantization, histogram } = facts.nodes.find(({ target }) =>
      target.includes('quantize_per_tensor'),
    )!;
    const { scale, zeroPoint } = quantization!;
    const values = valuesOf(subject.batches);
    const clipped = values.filter((value) => {
      const q = Math.round(value / scale) + zeroPoint;
      return q < 0 || q > 255;
    }).length;
    const [min, max] = [Math.min(...values), Math.max(...values)];
    expect(histogram).toMatchObject({ min, max });
    // The bins that the limits are in hold a few of the values.
    const inBin = values.length / 2048;
    expect(Math.abs(histogram!.clipped * values.length - clipped)).toBeLessThan(8 * inBin + 1);
  });

  it('stand next to a histogram of the float model that counts every value', () => {
    const { histogram } = facts.nodes.find(({ target }) => target.includes('quantize_per_tensor'))!;
    const { min, max, counts } = histogram!;
    const values = valuesOf(subject.batches);
    const expected = counts.map(() => 0);
    for (const value of values)
      expected[Math.min(counts.length - 1, Math.floor(((value - min) / (max - min)) * counts.length))]++;
    expect(counts.reduce((sum, count) => sum + count, 0)).toBeCloseTo(values.length, 1);
    // Both batches have a range of their own: when it grows, PyTorch's histogram spreads each bin over those it overlaps.
    for (const [bar, count] of counts.entries()) expect(Math.abs(count - expected[bar])).toBeLessThan(4);
  });

  it('of weights are those of each output channel', () => {
    const { weight } = nodeOf('stem');
    const { data, shape } = subject.reference.attribute('stem.weight');
    expect(weight!.shape).toEqual(shape);
    for (let channel = 0; channel < 8; channel++) {
      const values = [...(data as Float32Array).subarray(27 * channel, 27 * (channel + 1))];
      expect(weight!.min[channel]).toBe(Math.min(...values));
      expect(weight!.max[channel]).toBe(Math.max(...values));
    }
    // Symmetric per channel: no error is above half of a 127th of the largest weight.
    expect(weight!.sqnr).toBeGreaterThan(35);
  });
});

describe('linear layers that were merged', () => {
  it('have all their weights and modules at their node', async () => {
    class Heads extends nn.Module {
      readonly q = new nn.Linear(8, 6);
      readonly k = new nn.Linear(8, 4);

      override forward(x: nn.Value): nn.Value {
        return nn.functional.cat([this.q.call(x), this.k.call(x)], 1);
      }
    }
    nn.manualSeed(0);
    const batches = [uniform([4, 8], -1, 1, 1)];
    const { reference, converted } = await convertedModule(new Heads(), batches);
    const { module: model } = lower(converted, { mergeLinears: true });
    const { nodes } = await collectReport({ reference, model, batches: () => batches });
    const weighted = nodes.filter(({ weight }) => weight);
    expect(weighted.map(({ modulePath }) => modulePath)).toEqual(['q, k']);
    const { weight } = weighted[0];
    const rows = ['q', 'k'].flatMap((name) => {
      const { data } = reference.attribute(`${name}.weight`);
      return Array.from({ length: data.length / 8 }, (_, row) => [
        ...(data as Float32Array).subarray(8 * row, 8 * row + 8),
      ]);
    });
    expect(weight!.shape).toEqual([10, 8]);
    expect(weight!.min).toEqual(rows.map((row) => Math.min(...row)));
    expect(weight!.max).toEqual(rows.map((row) => Math.max(...row)));
    // Symmetric per channel: no error is above half of a 127th of the largest weight.
    expect(weight!.sqnr).toBeGreaterThan(35);
  });
});

describe('errors', () => {
  it('of the result are those of both models on the same inputs', async () => {
    using float = compile(lower(subject.reference).module);
    using int8 = compile(subject.model);
    const results = async (model: typeof float) => {
      const outputs: Tensor[] = [];
      for (const batch of subject.batches) outputs.push((await model.run(batch))[model.outputs[0].name]);
      return valuesOf(outputs);
    };
    const [expected, actual] = [await results(float), await results(int8)];
    const square = (sum: number, value: number) => sum + value * value;
    const signal = actual.reduce(square, 0);
    const noise = actual.map((value, i) => value - expected[i]).reduce(square, 0);
    // Per-sample sums are float32.
    expect(nodeOf('head').error!.together.sqnr).toBeCloseTo(10 * Math.log10(signal / noise), 2);
  });

  it('alone are no larger than those that add up', () => {
    const { alone, together } = nodeOf('head').error!;
    expect(alone.sqnr!).toBeGreaterThan(Number(together.sqnr));
    const stem = nodeOf('stem').error!;
    expect(stem.alone).toEqual(stem.together);
  });
});

describe('sizes', () => {
  it('are the bytes of all parameters', () => {
    const float = 4 * (8 * 3 * 9 + 8 + 8 * 8 * 9 + 8 + 5 * 288 + 5);
    expect(facts.sizes.reference).toEqual({ weights: float });
    const bytes = 8 * 3 * 9 + 8 * 8 * 9 + 5 * 288;
    const { weights } = facts.sizes.model;
    expect(weights).toBeGreaterThan(bytes + 4 * (8 + 8 + 5));
    // Scales, zero points (int64 at most) and biases of 21 channels.
    expect(weights).toBeLessThanOrEqual(bytes + (4 + 8 + 4) * (8 + 8 + 5));
  });
});

describe('times', () => {
  it('are those of all steps, and their shares of the whole', () => {
    const { steps, total, runs, inputs } = facts.times;
    expect(runs).toBeGreaterThanOrEqual(5);
    expect(inputs).toEqual([{ name: 'x', dtype: 'float32', shape: [4, 3, 6, 6] }]);
    expect(steps.reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(1, 9);
    expect(steps.reduce((sum, { nanoseconds }) => sum + nanoseconds, 0)).toBeCloseTo(total.model, 3);
    expect(total.reference).toBeGreaterThan(0);
    for (const { node } of steps) expect(facts.nodes.map(({ name }) => name)).toContain(node);
  });

  it('are bound by products or by memory, whichever takes longer', () => {
    const { gops, memory } = facts.roofline;
    expect(Object.keys(gops)).toEqual(['int8']);
    const step = facts.times.steps.find(({ node }) => node === nodeOf('body').name)!;
    // Four images of 36 pixels and 8 channels, each a sum of 72 products.
    expect(step.multiplyAdds).toBe(4 * 36 * 8 * 72);
    const computing = (2 * step.multiplyAdds) / gops.int8!;
    const moving = step.bytes / memory[0].gigabytesPerSecond;
    expect(step.bytes).toBeLessThan(memory[0].bytes);
    expect(step.bound.nanoseconds).toBeCloseTo(Math.max(computing, moving), 6);
    expect(step.bound.by).toBe(computing > moving ? 'compute' : 'memory');
    expect(step.efficiency).toBeCloseTo(step.bound.nanoseconds / step.nanoseconds, 9);
  });

  it('have a roofline that a machine can have', () => {
    const { gops, memory } = facts.roofline;
    // A core multiplies at least one byte a cycle, and at most some thousands (AMX).
    expect(gops.int8!).toBeGreaterThan(1);
    expect(gops.int8!).toBeLessThan(20_000);
    expect(memory.map(({ bytes }) => bytes)).toEqual([2 ** 18, 2 ** 22, 2 ** 28]);
    for (const { gigabytesPerSecond } of memory) {
      expect(gigabytesPerSecond).toBeGreaterThan(0.1);
      expect(gigabytesPerSecond).toBeLessThan(2000);
    }
  });
});

describe('without a float model', () => {
  it('there are refusals with their reasons, ranges and times, and no errors', async () => {
    const build = new GraphBuilder();
    const x = build.quantizeDequantize(build.input('x', [2, 8]), 0.1, 0);
    const module = build.finish(build.quantize(build.call('aten.log_softmax.int', x, -1), 0.1, 0));
    const { module: model, report } = lower(module);
    const alone = await collectReport({ model, batches: () => [uniform([2, 8], -1, 1, 1)] });
    expect(alone.title).toBe('Quantized model');
    expect(report.refusals).toHaveLength(1);
    expect(alone.refusals).toEqual(report.refusals);
    expect(alone.refusals[0].reason).toContain('there is no form of aten.log_softmax');
    expect(alone.nodes.some(({ error, histogram }) => error ?? histogram)).toBe(false);
    expect(alone.nodes.some(({ quantization }) => quantization)).toBe(true);
    expect(alone.sizes.reference).toBeUndefined();
    expect(alone.times.steps.length).toBeGreaterThan(0);
    // Nothing in it multiplies.
    expect(alone.roofline.gops).toEqual({});
  });
});

describe('refuses', () => {
  it('a model that is not lowered', async () => {
    const { reference, batches } = subject;
    await expect(collectReport({ model: reference, batches: () => batches })).rejects.toThrow(
      'collectReport: the model is not lowered',
    );
  });

  it('no batches, other models and options that there are not', async () => {
    const { model, reference } = subject;
    await expect(collectReport({ model, reference, batches: () => [] })).rejects.toThrow(
      'there are no batches',
    );
    await expect(collectReport({ model, batches: () => [] })).rejects.toThrow('there are no batches');
    const other = { ...subject, batches: () => subject.batches };
    await expect(collectReport(other, { titel: 'x' } as object)).rejects.toThrow('did you mean "title"?');
  });

  it('to go on when it is aborted', async () => {
    const reason = new Error('enough');
    const given = { ...subject, batches: () => subject.batches };
    await expect(collectReport(given, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  });
});
