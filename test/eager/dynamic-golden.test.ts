import { describe, expect, it } from 'vitest';
import { quantizeDynamic } from '../../lib/eager/index.ts';
import { compile, exportModel, floatQparamsWeightOnlyQconfig, lower } from '../../lib/index.ts';
import * as nn from '../../lib/nn/index.ts';
import type { Tensor } from '../../lib/tensor/index.ts';
import { asList, goldenOf, largestDifference, numbers, withState } from './goldens.ts';
import { Cells, Gated, Words } from './networks.ts';

const networks = [
  ['words', new Words(), (model: nn.Module) => quantizeDynamic(model, new Set([nn.LSTM, nn.Linear]), 'int8')],
  ['gated', new Gated(), (model: nn.Module) => quantizeDynamic(model)],
  ['cells', new Cells(), (model: nn.Module) => quantizeDynamic(model)],
  [
    'table',
    new Words(),
    (model: nn.Module) => quantizeDynamic(model, new Map([['encoder', floatQparamsWeightOnlyQconfig]])),
  ],
] as const;

describe.each(networks)('%s', (name, network, quantize) => {
  it("returns PyTorch's numbers", async () => {
    const golden = await goldenOf(name);
    const model = withState(network, golden);
    for (const [i, value] of asList(model.call(golden.input)).entries())
      expect(largestDifference(value, golden.floats[i])).toBeLessThan(1e-5);
    const quantized = quantize(model);
    const { dtype, shape } = golden.input;
    const lowered = lower(exportModel(quantized, { x: { dtype, shape } })).module;
    const planned = Object.values(await compile(lowered).run(golden.input)) as Tensor[];
    for (const [i, value] of asList(quantized.call(golden.input)).entries()) {
      // Integers are PyTorch's; sums of floats and functions of gates are rounded otherwise in their last bits.
      expect(largestDifference(value, golden.outputs[i])).toBeLessThan(1e-6);
      expect(largestDifference(planned[i], golden.outputs[i])).toBeLessThan(1e-6);
      expect(largestDifference(golden.floats[i], golden.outputs[i])).toBeGreaterThan(1e-4);
    }
    for (const key of [...golden.arrays.keys()].filter((key) => key.startsWith('weight.'))) {
      const { weight } = quantized.getSubmodule(key.slice('weight.'.length)) as nn.quantized.dynamic.Linear;
      expect(numbers(weight.tensor), key).toEqual(numbers(golden.arrays.get(key)!));
    }
  });
});
