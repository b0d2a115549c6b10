import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { operators } from '../../lib/aten/index.ts';
import { loadPt2 } from '../../lib/capture/index.ts';
import { describeRanges, type GraphModule, Interpreter, SymInt } from '../../lib/graph/index.ts';
import { lower } from '../../lib/lowering/index.ts';
import {
  convertPt2e,
  getDefaultX86QuantizationConfig,
  preparePt2e,
  X86Quantizer,
} from '../../lib/quantization/index.ts';
import { quantizeStatic } from '../../lib/recipes/index.ts';
import { type CompiledModel, compile, formatPlan, formatReport, loadModel } from '../../lib/runtime/index.ts';
import { Tensor } from '../../lib/tensor/index.ts';
import { tune } from '../../lib/tuning/index.ts';
import { GraphBuilder, uniform } from '../support/graph-builder.ts';

const folder = mkdtempSync(join(tmpdir(), 'octavo-values-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** Positive elements doubled, and where they are. */
function positives(size: number | SymInt = 64): GraphModule {
  const b = new GraphBuilder();
  const x = b.input('x', [size]);
  const found = b.call('aten.nonzero.default', b.call('aten.gt.Scalar', x, 0));
  const chosen = b.call('aten.index_select.default', x, 0, b.call('aten.select.int', found, 1, 0));
  return b.finish(b.call('aten.mul.Scalar', chosen, 2), found);
}

/** So many positive elements. */
const withPositives = (count: number, size = 64) =>
  Tensor.from(
    'float32',
    Array.from({ length: size }, (_, i) => (i < count ? i + 1 : -1)),
    [size],
  );

const doubled = (count: number) => Array.from({ length: count }, (_, i) => 2 * (i + 1));

const valuesOf = (results: Record<string, Tensor>) => Object.values(results)[0].toArray();

/** PyTorch's detector of test/cases, and images: some with boxes, one without. */
const detector = () => loadPt2('test/fixtures/cases/detector_of_classes.pt2');
const images = [0, 1, 3].map((scale) => uniform([1, 3, 16, 16], -scale, scale, 5));

describe('a model in which values decide sizes', () => {
  it('says so of its outputs', () => {
    using model = compile(positives());
    expect(model.outputs.map(({ shape }) => String(shape))).toEqual([
      'u_nonzero_default',
      'u_nonzero_default,1',
    ]);
  });

  it('returns what it returns twice in memory of its own', () => {
    const b = new GraphBuilder();
    const x = b.input('x', [8]);
    const sum = b.call('aten.add.Scalar', x, 1);
    const found = b.call('aten.nonzero.default', b.call('aten.gt.Scalar', x, 0));
    using model = compile(b.finish(sum, sum, found));
    const [first, second] = Object.values(model.runSync([withPositives(3, 8)]));
    expect(second.toArray()).toEqual(first.toArray());
    expect(second.data.buffer).not.toBe(first.data.buffer);
  });

  it('and so does what describes a file', async () => {
    const { rangeConstraints } = await loadPt2('test/fixtures/cases/boxes_of_high_scores.pt2');
    expect(describeRanges(rangeConstraints)).toEqual([
      'the size u0 is from 0 to 120, which values decide',
      'the size u1 is 0 or more, which values decide',
    ]);
  });

  it('serves requests of different counts at the same time, and keeps few plans', async () => {
    using model = compile(positives(), { streams: 2, threadsPerStream: 1 });
    const counts = Array.from({ length: 120 }, (_, i) => (i * 37) % 65);
    const results = await Promise.all(counts.map((count) => model.run(withPositives(count))));
    for (const [i, count] of counts.entries()) expect(valuesOf(results[i])).toEqual(doubled(count));
    for (const count of counts) expect(valuesOf(model.runSync(withPositives(count)))).toEqual(doubled(count));
  });

  it('accepts inputs of any size as well', async () => {
    using model = compile(positives(new SymInt(['s0'])));
    for (const [count, size] of [
      [3, 10],
      [0, 7],
      [7, 7],
      [3, 200],
    ])
      expect(valuesOf(await model.run(withPositives(count, size)))).toEqual(doubled(count));
  });

  it('writes to tensors of the caller that are of the right size, and says which size that is', async () => {
    using model = compile(positives());
    const outputs = [Tensor.zeros('float32', [5]), Tensor.zeros('int64', [5, 1])];
    const results = Object.values(await model.run(withPositives(5), { outputs }));
    expect(results[0].data).toBe(outputs[0].data);
    expect(outputs.map((tensor) => tensor.toArray().map(Number))).toEqual([doubled(5), [0, 1, 2, 3, 4]]);
    await expect(model.run(withPositives(4), { outputs })).rejects.toThrow(
      /output 'mul_scalar' must be float32\[4\], got float32\[5\]/,
    );
  });

  it('rejects, and goes on, where a later stage fails', async () => {
    const b = new GraphBuilder();
    const found = (name: string) => b.call('aten.nonzero.default', b.input(name, [8]));
    using model = compile(b.finish(b.call('aten.add.Tensor', found('x'), found('y'))));
    const set = (count: number) =>
      Tensor.from(
        'float32',
        Array.from({ length: 8 }, (_, i) => Number(i < count)),
      );
    await expect(model.run([set(3), set(2)])).rejects.toThrow(
      /node 'add_tensor'.*shapes \[3, 1\] and \[2, 1\] do not broadcast/,
    );
    expect(valuesOf(await model.run([set(4), set(4)])).map(Number)).toEqual([0, 2, 4, 6]);
  });

  it('withdraws a request', async () => {
    using model = compile(positives());
    const controller = new AbortController();
    const request = model.run(withPositives(9), { signal: controller.signal });
    controller.abort(new Error('changed my mind'));
    await expect(request).rejects.toThrow('changed my mind');
    expect(valuesOf(await model.run(withPositives(9)))).toEqual(doubled(9));
  });

  it('ends in the middle of a request when it is disposed', async () => {
    const model = compile(positives());
    const request = model.run(withPositives(9));
    model.dispose();
    await expect(request).rejects.toThrow(/disposed/);
  });

  it('is the same when it was saved', async () => {
    const path = join(folder, 'detector.octavo');
    const module = await detector();
    using model = compile(lower(module).module);
    await model.save(path);
    using loaded = await loadModel(path);
    expect(loaded.outputs.map(String)).toEqual(model.outputs.map(String));
    for (const image of images) {
      const expected = new Interpreter(module, operators).run([image]);
      const results = Object.values(await loaded.run(image));
      expect(results.map(({ shape }) => shape)).toEqual(expected.map(({ shape }) => shape));
      expect(results.map((t) => t.toArray())).toEqual(
        Object.values(model.runSync(image)).map((t) => t.toArray()),
      );
    }
  });

  it('has layers of 8-bit integers before the count', async () => {
    const config = getDefaultX86QuantizationConfig();
    const prepared = preparePt2e(await detector(), new X86Quantizer().setGlobal(config));
    for (const image of images) new Interpreter(prepared, operators).run([image]);
    const converted = convertPt2e(prepared);
    using model = compile(lower(converted).module);
    expect(
      new Set(
        model
          .plan([1, 3, 16, 16])
          .steps.filter(({ op }) => op === 'convolution')
          .map((s) => s.inputDtype),
      ),
    ).toEqual(new Set(['uint8']));
    for (const image of images) {
      const expected = new Interpreter(converted, operators).run([image]);
      const results = Object.values(await model.run(image));
      expect(results[0].shape).toEqual(expected[0].shape);
    }
    const quantized = await quantizeStatic(
      await detector(),
      images.map((image) => [image]),
    );
    expect(Object.values(quantized.runSync(images[2]))[0].shape[1]).toBe(4);
    quantized.dispose();
  });

  it('is profiled, described and reported stage by stage', async () => {
    using model = compile(positives());
    const before = model.plan([64]);
    expect([before.steps.map(({ op }) => op), before.furtherPlans]).toEqual([['elementwise', 'nonzero'], 1]);
    expect(formatPlan(before)).toContain('values decide sizes: 1 more, made when a request has decided them');
    const steps = model.profile(withPositives(6));
    expect(steps.map(({ node }) => node)).toEqual([
      'gt_scalar',
      'nonzero_default',
      'index_select_default',
      'mul_scalar',
    ]);
    expect(steps.every(({ nanoseconds }) => nanoseconds > 0)).toBe(true);
    const after = model.plan([64]);
    expect([after.steps.length, after.furtherPlans]).toEqual([4, 0]);
    expect(after.outputs.at(-1)).toEqual({ name: 'mul_scalar', dtype: 'float32', shape: [6] });
    expect(formatPlan(after)).not.toContain('values decide');
    expect(formatReport(model.report)).toContain('octavo:nonzero');
  });

  it('is compiled ahead as far as sizes are known', async () => {
    using model = compile(positives());
    await model.warmup([64]);
    model.warmupSync([64]);
    expect(model.plan([64]).furtherPlans).toBe(1);
  });

  it('can be tuned', async () => {
    const prepared = preparePt2e(
      await detector(),
      new X86Quantizer().setGlobal(getDefaultX86QuantizationConfig()),
    );
    new Interpreter(prepared, operators).run([images[2]]);
    const { module, tuning } = tune(convertPt2e(prepared), images[2], { threadsPerStream: 1 });
    using model: CompiledModel = compile(module, { tuning, threadsPerStream: 1 });
    expect(Object.values(model.runSync(images[2]))[0].shape[1]).toBe(4);
  });
});
