import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { exportModel, type GraphModule } from '../../lib/index.ts';
import * as nn from '../../lib/nn/index.ts';
import {
  computeSqnr,
  convertNShadowsModel,
  extractResultsNShadowsModel,
  generateNumericDebugHandle,
  loggersSetEnabled,
  loggersSetSaveActivations,
  type NShadowsModel,
  prepareNShadowsModel,
  printComparisonsNShadowsModel,
} from '../../lib/numerics/index.ts';
import { getDefaultX86QuantizationConfig, X86Quantizer } from '../../lib/quantization/index.ts';
import { Tensor } from '../../lib/tensor/index.ts';
import { hasGoldensKernels } from '../support/pt2e-goldens.ts';

/** Written by script/goldens/n_shadows.py. */
interface Golden {
  readonly parameters: Readonly<Record<string, number[]>>;
  readonly batches: readonly number[][];
  readonly layers: readonly {
    readonly fqn: string;
    readonly values: readonly number[][];
    readonly candidates: Readonly<
      Record<string, { readonly sqnr: readonly number[]; readonly first: readonly number[] }>
    >;
  }[];
}

const golden = JSON.parse(
  readFileSync(new URL('../fixtures/numerics/n_shadows.json', import.meta.url), 'utf8'),
) as Golden;
const batches = golden.batches.map((values) => Tensor.from('float32', values, [4, 3, 8, 8]));

function capture(): GraphModule {
  const network = new nn.Sequential(
    new nn.Conv2d(3, 4, 3),
    new nn.Conv2d(4, 6, 3, { groups: 2 }),
    new nn.Flatten(),
    new nn.Linear(96, 8),
    new nn.Linear(8, 5),
  ).eval();
  const captured = exportModel(network, { x: batches[0] });
  for (const [name, values] of Object.entries(golden.parameters))
    captured.attributes.set(name, Tensor.from('float32', values, captured.attribute(name).shape));
  generateNumericDebugHandle(captured);
  return captured;
}

const quantizer = (options = {}) => new X86Quantizer().setGlobal(getDefaultX86QuantizationConfig(options));
const candidates = () => ({
  static: quantizer(),
  reduced: quantizer({ reduceRange: true }),
  dynamic: quantizer({ isDynamic: true }),
});

/** Without the flattened convolution, whose values are quantized, too. PyTorch was told of layers only. */
const layersOf = (model: NShadowsModel) =>
  [...extractResultsNShadowsModel(model).values()].filter(
    ({ refNodeTarget }) => !refNodeTarget.startsWith('aten.flatten'),
  );

describe('shadows of every layer by several configurations', () => {
  let model: NShadowsModel;
  beforeAll(async () => {
    model = prepareNShadowsModel(capture(), candidates());
    await model.run(batches.slice(0, 2));
    convertNShadowsModel(model);
    loggersSetEnabled(model, true);
    loggersSetSaveActivations(model, true);
    await model.run(batches.slice(2));
  });

  it('differ from the layers by what PyTorch finds', () => {
    const layers = layersOf(model);
    expect(layers.map(({ refModulePath }) => refModulePath)).toEqual(golden.layers.map(({ fqn }) => fqn));
    // Elsewhere a value that falls to the next integer moves the 1,000 values of a layer by more.
    const tolerance = hasGoldensKernels ? 1e-3 : 0.1;
    for (const [i, expected] of golden.layers.entries()) {
      const found = layers[i].candidates;
      expect([...found.keys()]).toEqual(Object.keys(expected.candidates));
      for (const [name, { sqnr, first }] of Object.entries(expected.candidates)) {
        const { comparisons, values } = found.get(name)!;
        expect(comparisons).toHaveLength(2);
        for (const [batch, decibels] of sqnr.entries())
          expect(Math.abs(comparisons[batch] - decibels), `${expected.fqn}, ${name}`).toBeLessThan(tolerance);
        for (const [at, value] of first.entries()) expect(values[0].data[at]).toBeCloseTo(value, 5);
      }
    }
  });

  it('keep the float model’s values, and those of the shadows', () => {
    for (const [i, { values, candidates: found }] of layersOf(model).entries()) {
      expect(values).toHaveLength(2);
      for (const [batch, value] of values.entries()) {
        for (const [at, expected] of golden.layers[i].values[batch].entries())
          expect(value.data[at]).toBeCloseTo(expected, 5);
        for (const shadow of found.values())
          expect(computeSqnr(shadow.values[batch], value)).toBeCloseTo(shadow.comparisons[batch], 6);
      }
    }
  });

  it('are printed, a layer a row', () => {
    const log = vi.spyOn(console, 'log').mockImplementation(() => {});
    printComparisonsNShadowsModel(extractResultsNShadowsModel(model));
    const [heading, , ...rows] = String(log.mock.calls[0][0]).split('\n');
    log.mockRestore();
    expect(heading).toMatch(/^\| layer +\| operator +\| module \| +static \| +reduced \| +dynamic \|$/);
    expect(rows).toHaveLength(5);
    const { sqnr } = golden.layers[3].candidates.static;
    expect(rows[4]).toMatch(
      new RegExp(
        `^\\| linear_1 +\\| aten.linear.default +\\| 4 +\\| +${((sqnr[0] + sqnr[1]) / 2).toFixed(1)} \\|`,
      ),
    );
  });
});

describe('an n-shadows model', () => {
  it('has no shadow of a layer that a candidate leaves in floating point', async () => {
    const partly = quantizer().setModuleNameQconfig('3', null);
    const model = prepareNShadowsModel(capture(), { all: quantizer(), partly });
    await model.run(batches);
    loggersSetEnabled(convertNShadowsModel(model), true);
    await model.run(batches);
    const results = extractResultsNShadowsModel(model);
    expect([...results.get('linear')!.candidates.keys()]).toEqual(['all']);
    expect([...results.get('linear_1')!.candidates.keys()]).toEqual(['all', 'partly']);
    // Values were not asked for.
    expect(results.get('linear')!.values).toEqual([]);
  });

  it('leaves the captured model as it is', async () => {
    const captured = capture();
    const nodes = captured.graph.nodes.map(String);
    await prepareNShadowsModel(captured, candidates()).run(batches);
    expect(captured.graph.nodes.map(String)).toEqual(nodes);
  });

  it('says what is missing', async () => {
    const captured = capture();
    expect(() => prepareNShadowsModel(captured, {})).toThrow(
      'prepareNShadowsModel: there are no candidates; give at least one quantizer',
    );
    for (const none of [undefined, null])
      expect(() => prepareNShadowsModel(captured, none as never)).toThrow(
        `prepareNShadowsModel: candidates must be an object of quantizers by name, got ${none}`,
      );
    const model = prepareNShadowsModel(captured, { one: quantizer() });
    expect(() => extractResultsNShadowsModel(model)).toThrow('the loggers have seen nothing');
    expect(() => convertNShadowsModel(model)).toThrow("convertNShadowsModel: candidate 'one': ");
    await expect(model.run([])).rejects.toThrow('NShadowsModel.run: there are no batches');
    await expect(model.run(batches[0] as never)).rejects.toThrow('a single batch is [batch]');
    await expect(model.run([batches[0].view([2, 6, 8, 8])])).rejects.toThrow('NShadowsModel.run: batch 0: ');
    await model.run(batches);
    convertNShadowsModel(model);
    expect(() => convertNShadowsModel(model)).toThrow('the model is converted already');
    await expect(model.run(batches)).rejects.toThrow('no loggers are enabled, so nothing is compared');
    const signal = AbortSignal.abort(new Error('enough'));
    await expect(model.run(batches, { signal })).rejects.toThrow('enough');
  });
});
