import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  type AccuracyAttempt,
  type AccuracyControlOptions,
  type AccuracyControlRecord,
  accuracyControlOf,
  FixedQParamsObserver,
  formatAccuracyControl,
  getDefaultX86QuantizationConfig,
  loadModel,
  QuantizationSpec,
  quantizeWithAccuracyControl,
} from '../../lib/index.ts';
import { lower } from '../../lib/lowering/index.ts';
import { type CompiledModel, compile } from '../../lib/runtime/index.ts';
import { Tensor } from '../../lib/tensor/index.ts';
import { calibrationImages, evaluateGlyphs, glyphMobilenet } from '../support/glyph-accuracy.ts';
import { uniform } from '../support/graph-builder.ts';
import { convNet } from '../support/models.ts';
import { withShapes } from '../support/with-shapes.ts';

/** One image is 0.2 points of accuracy. */
const images = 500;
const evaluate = evaluateGlyphs(images);
const usual = { maxDrop: 0.5, threadsPerStream: 1 } as const;

const describeAttempt = ({ technique, layers, detail, isKept }: AccuracyAttempt) =>
  `${technique} ${layers.join()} ${detail ?? ''} ${isKept}`;

/** What a record has to be whatever happened. */
function expectConsistent(record: AccuracyControlRecord): void {
  const { attempts, floatMetric, metric, maxDrop, isReached, returned, inFloat, quantized } = record;
  expect(isReached).toBe(floatMetric - metric <= maxDrop);
  expect(JSON.parse(JSON.stringify(record))).toEqual(record);
  for (const each of attempts) {
    expect(each.metric === null).toBe(each.relativeTime === null);
    if (each.metric === null) expect(each.isKept).toBe(false);
  }
  expect(attempts[returned]).toMatchObject({ metric, isKept: true });
  if (isReached) expect(attempts.findLastIndex(({ isKept }) => isKept)).toBe(returned);
  expect(quantized.filter((layer) => inFloat.includes(layer))).toEqual([]);
}

describe('quantizeWithAccuracyControl', () => {
  it('leaves a model that is accurate enough as the recipe makes it', async () => {
    const { model, isReached, record } = await quantizeWithAccuracyControl(
      await glyphMobilenet(),
      await calibrationImages(2),
      evaluate,
      { ...usual, maxDrop: 2 },
    );
    using _ = model;
    expect(isReached).toBe(true);
    expect(record.attempts.map(describeAttempt)).toEqual(['quantize   true']);
    expect(record).toMatchObject({ inFloat: [], ranking: [], maxDrop: 2 });
    expect(await evaluate(model)).toBe(record.metric);
    expectConsistent(record);
  });

  it('gives back the one layer whose input is clipped, and says which', async () => {
    const float = await glyphMobilenet();
    const broken = 'body.2.f.6';
    const node = float.graph.nodes.find(
      ({ target, meta }) => target === 'aten.conv2d.default' && meta.nnModuleStack?.at(-1)?.path === broken,
    )!;
    const config = getDefaultX86QuantizationConfig();
    const clipped = new QuantizationSpec({
      dtype: 'uint8',
      qscheme: 'per_tensor_affine',
      // To 0.1 of what ReLU6 returns.
      observerOrFakeQuantCtr: FixedQParamsObserver.withArgs({ scale: 0.6 / 255, zeroPoint: 0 }),
    });
    const { model, record } = await quantizeWithAccuracyControl(float, await calibrationImages(1), evaluate, {
      ...usual,
      // Its own share, and not what all other layers lose together.
      maxDrop: 1.5,
      overrides: { moduleNames: { [broken]: { ...config, inputActivation: clipped } } },
    });
    using _ = model;
    const [recipe] = record.attempts;
    expect(record.floatMetric - recipe.metric!).toBeGreaterThan(2.5);
    expect(record.inFloat).toEqual([node.name]);
    expect(record.ranking[0].layers).toEqual([node.name]);
    expect(record.isReached).toBe(true);
    expect(await evaluate(model)).toBe(record.metric);
    expectConsistent(record);
  });

  it('finds another range where one outlier has widened it, without any layer in float', async () => {
    // Of as many values, the outlier's are too few for the percentile.
    const [first, ...others] = await calibrationImages(4);
    const data = (first.data as Float32Array).slice();
    data[5000] = 3000;
    const { model, record } = await quantizeWithAccuracyControl(
      await glyphMobilenet(),
      [new Tensor('float32', data, first.shape), ...others],
      evaluate,
      usual,
    );
    using _ = model;
    expect(record.floatMetric - record.attempts[0].metric!).toBeGreaterThan(1);
    const kept = record.attempts.filter(({ isKept }) => isKept);
    expect(kept.map(({ technique, layers }) => [technique, ...layers])).toContainEqual([
      'activation-range',
      'conv2d',
    ]);
    expect(record).toMatchObject({ isReached: true, inFloat: [] });
    expectConsistent(record);
  });

  it('brings back a model with one weight that is fifty times too large', async () => {
    const float = await glyphMobilenet();
    const weight = float.attribute('body.4.f.3.weight').data as Float32Array;
    weight[7] *= 50;
    const { model, record } = await quantizeWithAccuracyControl(float, await calibrationImages(2), evaluate, {
      ...usual,
      overrides: { moduleTypes: [['Conv2d', getDefaultX86QuantizationConfig({ weightBits: 6 })]] },
    });
    using _ = model;
    expect(record.floatMetric - record.attempts[0].metric!).toBeGreaterThan(usual.maxDrop);
    expect(record.isReached).toBe(true);
    expect(await evaluate(model)).toBe(record.metric);
    expectConsistent(record);
  });
});

/** The float model of `convNet` with its shapes. */
const small = () => withShapes(convNet());
const batches = [uniform([8, 3, 8, 8], -1, 1, 5), uniform([8, 3, 8, 8], -1, 1, 6)];
const probe = uniform([16, 3, 8, 8], -1, 1, 7);

/** Minus the mean squared distance from the float model, on other data than those of the calibration. */
function distanceFrom(): (model: CompiledModel) => number {
  using float = compile(lower(small()).module);
  const expected = Object.values(float.runSync(probe))[0].data as Float32Array;
  return (model) => {
    const actual = Object.values(model.runSync(probe))[0].data as Float32Array;
    return expected.reduce((sum, value, i) => sum - (value - actual[i]) ** 2, 0) / expected.length;
  };
}

const control = (options: Partial<AccuracyControlOptions> = {}, measure = distanceFrom()) =>
  quantizeWithAccuracyControl(small(), batches, measure, { maxDrop: 0, threadsPerStream: 1, ...options });

const withoutTimes = ({ attempts, relativeTime: _, ...rest }: AccuracyControlRecord) => ({
  ...rest,
  attempts: attempts
    .map(({ relativeTime: __, ...attempt }) => attempt)
    .filter(({ technique }) => technique !== 'bfloat16'),
});

describe('the budget, the record and errors', () => {
  it('is the float model where nothing less is enough', async () => {
    const measure = distanceFrom();
    const { model, record } = await control({}, measure);
    using _ = model;
    expect(record).toMatchObject({ isReached: true, metric: 0, floatMetric: 0 });
    // Folding, if any, and fusing change no float sum: it is the same graph.
    expect(measure(model)).toBe(0);
    expect(record.inFloat.length).toBeGreaterThan(2);
    expect(record.quantized).toEqual([]);
    expect(formatAccuracyControl(record)).toMatch(/, no layer quantized, time [\d.]+ of float's$/);
    expectConsistent(record);
  });

  it('does the same twice, apart from times', async () => {
    const [a, b] = [await control({ maxDrop: 1e-4 }), await control({ maxDrop: 1e-4 })];
    a.model.dispose();
    b.model.dispose();
    expect(withoutTimes(a.record)).toEqual(withoutTimes(b.record));
    expect(a.record.attempts.length).toBeGreaterThan(3);
  });

  it('ends when the budget is spent, with the best that was found', async () => {
    let calls = 0;
    const measure = distanceFrom();
    const counting = (model: CompiledModel) => {
      calls++;
      return measure(model);
    };
    const seen: AccuracyAttempt[] = [];
    const { model, isReached, record } = await control(
      { maxEvaluations: 3, onAttempt: (each) => seen.push(each) },
      counting,
    );
    using _ = model;
    expect(calls).toBe(3);
    expect(isReached).toBe(false);
    expect(seen).toEqual(record.attempts);
    expect(record.metric).toBe(
      Math.max(...record.attempts.filter(({ isKept }) => isKept).map(({ metric }) => metric!)),
    );
    expect(measure(model)).toBe(record.metric);
    const { model: hasty, record: short } = await control({ maxSeconds: 0 });
    hasty.dispose();
    expect(short.attempts.map(({ technique }) => technique)).toEqual(['quantize']);
  });

  it('returns the faster of two that are as accurate, and says which', async () => {
    let calls = 0;
    // Giving layers back wins nothing until the budget is spent.
    const { model, record } = await control({ maxEvaluations: 9, maxDrop: 0.1 }, () =>
      calls++ === 0 ? 3e-5 : 2e-5 - 1,
    );
    model.dispose();
    const given = record.attempts.filter(({ technique }) => technique === 'float');
    expect(given.length).toBeGreaterThan(0);
    expect(record).toMatchObject({ isReached: false, inFloat: [] });
    expect(record.attempts[record.returned].technique).not.toBe('float');
    expectConsistent(record);
    const lines = formatAccuracyControl(record).split('\n');
    expect(lines.filter((line) => line.endsWith(' returned'))).toEqual([lines[record.returned + 2]]);
    // Small metrics keep their digits.
    expect(lines[1]).toMatch(/^float +0\.00003 /);
  });

  it('does not fail for the rounding of a difference', async () => {
    const metrics = [1.1, 1];
    const { model, record } = await control({ maxDrop: 0.1 }, () => metrics.shift()!);
    model.dispose();
    expect(1.1 - 1).toBeGreaterThan(0.1);
    expect(record).toMatchObject({ isReached: true, metric: 1 });
  });

  it('saves the record with the model', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'octavo-control-'));
    const { model, record } = await control({ maxDrop: 1, metadata: { made: 'here' } });
    const path = join(folder, 'small.octavo');
    await model.save(path);
    model.dispose();
    using loaded = await loadModel(path);
    await rm(folder, { recursive: true });
    expect(loaded.metadata.made).toBe('here');
    expect(accuracyControlOf(loaded.metadata)).toEqual(record);
    expect(accuracyControlOf({})).toBeUndefined();
    expect(() => accuracyControlOf({ 'octavo.accuracyControl': '{"maxDrop": "much"}' })).toThrow(
      'octavo.accuracyControl.maxDrop is not a number',
    );
    const lines = formatAccuracyControl(record).split('\n');
    expect(lines).toHaveLength(record.attempts.length + 3);
    expect(lines.at(-1)).toMatch(/^reached: drop 0(\.\d+)? of at most 1, every layer quantized/);
  });

  it('ends by a signal, while evaluate runs and before the first batch', async () => {
    const controller = new AbortController();
    const aborting = () => {
      controller.abort(new Error('enough'));
      return 1;
    };
    await expect(control({ signal: controller.signal }, aborting)).rejects.toThrow('enough');
    await expect(control({ signal: AbortSignal.abort(new Error('before')) })).rejects.toThrow('before');
  });

  it.each([
    [{ maxDrop: -1 }, 'maxDrop must be a number from 0'],
    [{ maxDrop: Number.NaN }, 'maxDrop must be a number from 0'],
    [{ maxEvaluations: 1 }, 'maxEvaluations must be a whole number from 2'],
    [{ maxSeconds: -1 }, 'maxSeconds must be a number from 0'],
    [{ strict: true } as never, 'strict cannot be combined with accuracy control'],
    [{ maxdrop: 1 } as never, 'did you mean "maxDrop"?'],
    [
      { overrides: { operators: { 'aten.conv2d.default': null, 'aten.linear.default': null } } },
      'nothing in the model can be quantized',
    ],
  ])('says what is wrong with %o', async (options, message) => {
    await expect(control(options)).rejects.toThrow(message);
  });

  it('says what is wrong with what evaluate returns, the batches and the model', async () => {
    await expect(control({}, () => Number.NaN)).rejects.toThrow(
      'evaluate must return a finite number, got NaN',
    );
    await expect(control({}, (() => 'good') as never)).rejects.toThrow('got good');
    const failing = () => Promise.reject(new Error('no test data')) as never;
    await expect(control({}, failing)).rejects.toThrow('no test data');
    const options = { maxDrop: 1 };
    await expect(quantizeWithAccuracyControl(small(), [], distanceFrom(), options)).rejects.toThrow(
      'there are no batches',
    );
    await expect(quantizeWithAccuracyControl(small(), batches, 5 as never, options)).rejects.toThrow(
      'evaluate must be a function',
    );
    await expect(quantizeWithAccuracyControl(7 as never, batches, distanceFrom(), options)).rejects.toThrow(
      'quantizeWithAccuracyControl: expected',
    );
  });
});
