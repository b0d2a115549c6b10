import { beforeAll, describe, expect, it } from 'vitest';
import { convert, prepare } from '../../lib/eager/index.ts';
import {
  compile,
  defaultQconfig,
  exportModel,
  getDefaultQconfig,
  lower,
  type QConfig,
} from '../../lib/index.ts';
import type * as nn from '../../lib/nn/index.ts';
import type { Tensor } from '../../lib/tensor/index.ts';
import { asList, type Golden, goldenOf, largestDifference, numbers, withState } from './goldens.ts';
import { Images, MobileNetV2, Signals, Wrapped } from './networks.ts';

interface Network extends nn.Module {
  fuseModel(): this;
}

const networks: readonly (readonly [string, new () => Network, QConfig])[] = [
  ['mobilenet_default', MobileNetV2, defaultQconfig],
  ['mobilenet_x86', MobileNetV2, getDefaultQconfig('x86')],
  ['images_x86', Images, getDefaultQconfig('x86')],
  ['signals_onednn', Signals, getDefaultQconfig('onednn')],
  ['wrapped_default', Wrapped, defaultQconfig],
];

describe.each(networks)('%s', (name, network, qconfig) => {
  let golden: Golden;
  let floats: readonly Tensor[];
  let converted: nn.Module;

  beforeAll(async () => {
    golden = await goldenOf(name);
    const model = withState(new network(), golden);
    floats = asList(model.call(golden.input));
    const fused = model.fuseModel();
    fused.qconfig = qconfig;
    const prepared = prepare(fused);
    for (const batch of golden.calibration) prepared.call(batch);
    converted = convert(prepared);
  });

  it("begins as PyTorch's float model", () => {
    // float32 sums in another order.
    for (const [i, value] of floats.entries())
      expect(largestDifference(value, golden.floats[i])).toBeLessThan(1e-5);
  });

  it('swaps the modules that PyTorch swaps, for the same classes', () => {
    const swapped = converted
      .namedModules()
      .filter(([, { type }]) => type.startsWith('torch.ao.nn.') && type.includes('quantized'))
      .map(([path, { type }]) => [path, type.split('.').at(-1)]);
    const expected = Object.entries(golden.modules).map(([path, { type }]) => [path, type]);
    expect(new Map(swapped as [string, string][])).toEqual(new Map(expected as [string, string][]));
  });

  it("has PyTorch's scales and zero points", () => {
    for (const [path, { scale, zero_point }] of Object.entries(golden.modules)) {
      if (scale === undefined) continue;
      const module = converted.getSubmodule(path) as nn.quantized.Linear;
      // What is observed are float32 sums in another order; the same bins of the histogram are chosen.
      expect(Math.abs(Number(module.scale.tensor.item()) / scale - 1), path).toBeLessThan(1e-5);
      expect(Number(module.zero_point.tensor.item()), path).toBe(zero_point);
    }
  });

  it("has PyTorch's integers as weights", () => {
    const keys = [...golden.arrays.keys()].filter((key) => key.startsWith('weight.'));
    expect(keys.length).toBeGreaterThan(0);
    for (const key of keys) {
      const { weight } = converted.getSubmodule(key.slice('weight.'.length)) as nn.quantized.Linear;
      expect(numbers(weight.tensor), key).toEqual(numbers(golden.arrays.get(key)!));
    }
  });

  /** The scale of what the model returns; of a part that stays in floating point, what went in. */
  const lastScale = () =>
    Object.values(golden.modules)
      .filter(({ scale }) => scale !== undefined)
      .at(-1)!.scale!;

  it("returns PyTorch's numbers", () => {
    // Sums are exact: all of a layer's integers are PyTorch's, but where a float32 product of scales ends on a tie.
    for (const [i, value] of asList(converted.call(golden.input)).entries()) {
      const steps = numbers(value).map((x, j) => Math.abs(x - numbers(golden.outputs[i])[j]) / lastScale());
      expect(Math.max(...steps)).toBeLessThan(1.01);
      expect(steps.filter((step) => step > 0.01).length).toBeLessThanOrEqual(0.05 * steps.length);
      // Rounding changes more than the difference.
      expect(largestDifference(value, golden.floats[i])).toBeGreaterThan(1e-4);
    }
  });

  it('computes the same on integers when it is captured, lowered and compiled', async () => {
    const { dtype, shape } = golden.input;
    const { module, report } = lower(exportModel(converted, { x: { dtype, shape } }));
    expect(report.refusals).toEqual([]);
    const [eager] = asList(converted.call(golden.input));
    const [planned] = Object.values(await compile(module).run(golden.input));
    // A tie that is rounded otherwise in the middle of the network moves a result by a step or two.
    expect(largestDifference(planned, eager)).toBeLessThan(2.01 * lastScale());
  });
});
