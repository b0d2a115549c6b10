import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { referenceModels } from '../../bench/models/index.ts';
import { operators } from '../../lib/aten/index.ts';
import { exportModel } from '../../lib/capture/index.ts';
import { type GraphModule, Interpreter, printGraph } from '../../lib/graph/index.ts';
import * as nn from '../../lib/nn/index.ts';
import { Tensor } from '../../lib/tensor/index.ts';

/** What torchvision 0.21 on PyTorch 2.6 gave for `torch.manual_seed(0)` and a seeded input [2, 3, 64, 64]. */
interface TorchvisionModel {
  readonly parameters: number;
  readonly nodes: number;
  /** Of `str(export_for_training(model, ...).module().graph)`, with a dynamic batch from 1 to 1024. */
  readonly graphSha256: string;
  /** The first 8 logits of each of the 2 images. */
  readonly outputs: readonly number[];
  /** The largest magnitude of all logits. */
  readonly largest: number;
}

const torchvision = JSON.parse(
  readFileSync(new URL('../fixtures/torchvision/models.json', import.meta.url), 'utf8'),
) as Readonly<Record<string, TorchvisionModel>>;

function seededInput(): Tensor {
  const data = new Float32Array(2 * 3 * 64 * 64);
  new nn.Generator(1).fillUniform(data, 0, 1);
  return new Tensor('float32', data, [2, 3, 64, 64]);
}

const batch = { dynamicShapes: { x: { 0: { name: 'batch', max: 1024 } } } };

function exportAndCompare(name: string, x: Tensor): GraphModule {
  const expected = torchvision[name];
  nn.manualSeed(0);
  const model = referenceModels[name]().eval();
  const sizes = model.namedParameters().map(([, parameter]) => parameter.tensor.numel);
  expect(sizes.reduce((a, b) => a + b, 0)).toBe(expected.parameters);
  const module = exportModel(model, { x }, batch);
  expect(module.graph.nodes.length).toBe(expected.nodes);
  const printed = printGraph(module.graph, operators);
  expect(createHash('sha256').update(printed).digest('hex')).toBe(expected.graphSha256);
  return module;
}

describe('reference models', () => {
  afterEach(() => {
    vi.restoreAllMocks();
  });

  it('are those of the fixture', () => {
    expect(Object.keys(referenceModels).sort()).toEqual(Object.keys(torchvision).sort());
  });

  it.each(Object.keys(referenceModels).filter((name) => name !== 'vgg16'))(
    "%s is torchvision's: graph, weights and results",
    (name) => {
      const { largest, outputs } = torchvision[name];
      const x = seededInput();
      const [y] = new Interpreter(exportAndCompare(name, x), operators).run([x]);
      expect(y.shape).toEqual([2, 1000]);
      // Some 50 to 160 layers of float32 in another order of additions, on normal weights that differ in the last place.
      const tolerance = 2e-5 * largest;
      for (const [i, value] of outputs.entries())
        expect(Math.abs(Number(y.data[Math.floor(i / 8) * 1000 + (i % 8)]) - value)).toBeLessThan(tolerance);
    },
  );

  it("vgg16 is torchvision's: graph", () => {
    // Its 138 million weights take seconds to draw, and are drawn as those of the others are.
    vi.spyOn(nn.Generator.prototype, 'fillUniform').mockImplementation(() => {});
    vi.spyOn(nn.Generator.prototype, 'fillNormal').mockImplementation(() => {});
    exportAndCompare('vgg16', Tensor.zeros('float32', [2, 3, 64, 64]));
  });
});
