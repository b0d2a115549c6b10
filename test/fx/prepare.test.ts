import { afterEach, describe, expect, it, vi } from 'vitest';
import * as octavo from '../../lib/index.ts';
import { exportModel, type GraphModule, QConfigMapping } from '../../lib/index.ts';
import * as nn from '../../lib/nn/index.ts';

const x = { dtype: 'float32', shape: [2, 3, 8, 8] } as const;
const mapping = () => octavo.getDefaultQconfigMapping('x86');
const convolutions = () =>
  new nn.Sequential(
    new nn.Conv2d(3, 4, 3),
    new nn.BatchNorm2d(4),
    new nn.ReLU(),
    new nn.Conv2d(4, 4, 3),
  ).eval();
const observers = ({ graph }: GraphModule) => graph.nodes.filter(({ op }) => op === 'call_module');

afterEach(() => void vi.restoreAllMocks());

describe('prepareFx', () => {
  it('captures a module, or takes a captured one', () => {
    const model = convolutions();
    const captured = octavo.prepareFx(exportModel(model, { x }), mapping(), {});
    const names = ({ graph }: GraphModule) => graph.nodes.map(({ name, target }) => `${name} ${target}`);
    expect(names(octavo.prepareFx(model, mapping(), { x }))).toEqual(names(captured));
    const dynamic = octavo.prepareFx(model, mapping(), { x }, { dynamicBatch: true });
    expect(dynamic.rangeConstraints.size).toBe(1);
  });

  it('leaves modules out that are not traceable', () => {
    const custom = () => new octavo.PrepareCustomConfig();
    const count = (prepareCustomConfig: octavo.PrepareCustomConfig) =>
      observers(octavo.prepareFx(convolutions(), mapping(), { x }, { prepareCustomConfig })).length;
    // Input, ReLU and result; two weights.
    expect(count(custom())).toBe(5);
    // The second convolution reads its input as the first one's result.
    expect(count(custom().setNonTraceableModuleNames(['3']))).toBe(3);
    expect(count(custom().setNonTraceableModuleClasses([nn.Conv2d]))).toBe(2);
  });

  it('says what it was given wrong', () => {
    expect(() => octavo.prepareFx(convolutions(), {} as never, { x })).toThrow(
      'prepareFx: expected a QConfigMapping, got [object Object]',
    );
    expect(() => octavo.prepareFx({} as never, mapping(), { x })).toThrow('prepareFx');
    expect(() => octavo.prepareFx(convolutions(), mapping(), { x }, { backend: 1 } as never)).toThrow(
      'prepareFx: unknown option "backend"; did you mean "backendConfig"?',
    );
    expect(() => octavo.prepareFx(convolutions().train(), mapping(), { x })).toThrow('training mode');
    expect(() => octavo.prepareQatFx(convolutions(), mapping(), { x })).toThrow('prepareQatFx: node');
  });
});

describe('a layer and its batch norm that are called twice', () => {
  class Twice extends nn.Module {
    readonly block = new nn.Sequential(new nn.Conv2d(3, 3, 1), new nn.BatchNorm2d(3), new nn.ReLU());
    forward(value: nn.Value): nn.Value {
      return this.block.call(this.block.call(value) as nn.Value) as nn.Value;
    }
  }

  it('become one layer that is called twice, as in PyTorch', () => {
    const { graph } = octavo.prepareFx(new Twice().eval(), mapping(), { x });
    const calls = graph.nodes.filter(({ op }) => op === 'call_function').map(({ target }) => target);
    expect(calls).toEqual([
      ...['aten.conv2d.default', 'aten.relu.default', 'aten.conv2d.default', 'aten.relu.default'],
    ]);
  });

  it('are refused in training', () =>
    expect(() =>
      octavo.prepareQatFx(new Twice().train(), octavo.getDefaultQatQconfigMapping('x86'), { x }),
    ).toThrow("nodes 'conv2d' and 'conv2d_1' have the weight 'block.0.weight' in common"));
});

describe('what would be ignored', () => {
  it('is refused: inputs and options of exportModel, for a captured model', () => {
    const captured = exportModel(convolutions(), { x });
    for (const [inputs, options] of [
      [{ z: x }, {}],
      [{}, { dynamicBatch: true }],
    ] as const)
      expect(() => octavo.prepareFx(captured, mapping(), inputs, options)).toThrow(
        'prepareFx: the model is captured already',
      );
  });

  it('is refused: names of modules that the model does not call', () => {
    const prepareCustomConfig = new octavo.PrepareCustomConfig().setNonTraceableModuleNames(['decoder']);
    expect(() => octavo.prepareFx(convolutions(), mapping(), { x }, { prepareCustomConfig })).toThrow(
      "setNonTraceableModuleNames names 'decoder', and the model calls no such module; there are 0, ",
    );
  });

  it('is refused: a model that is prepared or converted already', async () => {
    const prepared = octavo.prepareFx(convolutions(), mapping(), { x });
    expect(() => octavo.prepareFx(prepared, mapping(), {})).toThrow(
      'prepareFx: the model is prepared already',
    );
    await octavo.calibrate(prepared, [octavo.Tensor.zeros('float32', x.shape)]);
    expect(() => octavo.convertFx(octavo.convertPt2e(prepared))).toThrow(
      'convertFx: the model was not made by prepareFx',
    );
  });
});

describe('fuseFx', () => {
  it('folds batch norms and quantizes nothing', () => {
    const { graph } = octavo.fuseFx(convolutions(), { x });
    expect(graph.nodes.filter(({ op }) => op === 'call_function').map(({ target }) => target)).toEqual([
      ...['aten.conv2d.default', 'aten.relu.default', 'aten.conv2d.default'],
    ]);
    expect(() => octavo.fuseFx(convolutions().train(), { x })).toThrow('fuseFx');
  });
});

describe('convertFx', () => {
  it('takes what prepareFx made, after calibration', async () => {
    const config = octavo.getDefaultX86QuantizationConfig();
    const prepared = octavo.preparePt2e(
      exportModel(convolutions(), { x }),
      new octavo.X86Quantizer().setGlobal(config),
    );
    expect(() => octavo.convertFx(prepared)).toThrow(
      'convertFx: the model was not made by prepareFx or prepareQatFx',
    );
    expect(() => octavo.convertToReferenceFx(octavo.prepareFx(convolutions(), mapping(), { x }))).toThrow(
      'HistogramObserver has seen no tensor; run calibrate on the prepared model first',
    );
  });

  it('gives a graph of the kernels that there are, and quantize nodes of the whole dtype', async () => {
    const prepared = octavo.prepareFx(convolutions(), mapping(), { x });
    await octavo.calibrate(prepared, [octavo.Tensor.zeros('float32', x.shape)]);
    const reference = octavo.convertToReferenceFx(prepared);
    const ranges = reference.graph.nodes
      .filter(({ target }) => target === 'quantized_decomposed.quantize_per_tensor.default')
      .map(({ args }) => args.slice(3, 5));
    expect(ranges).toEqual([
      [0, 255],
      [0, 255],
      [0, 255],
    ]);
    const lowered = octavo.convertFx(prepared).graph.nodes.map(({ target }) => target);
    expect(lowered.filter((target) => target === 'onednn.qconv2d_pointwise.default').length).toBe(2);
  });
});

describe('a BackendConfig', () => {
  const { BackendConfig, BackendPatternConfig, DTypeConfig, DTypeWithConstraints, ObservationType } = octavo;
  const dtypes = new DTypeConfig({ inputDtype: 'uint8', outputDtype: 'uint8', weightDtype: 'int8' });

  it('refuses names, dtypes and limits that there are not', () => {
    expect(() => new DTypeConfig({ inputDType: 'uint8' } as never)).toThrow('did you mean "inputDtype"?');
    expect(() => new DTypeConfig({ inputDtype: 'quint8' as never })).toThrow(
      "DTypeConfig: inputDtype is no dtype: 'quint8'; here it is 'uint8'",
    );
    expect(() => new DTypeConfig({ biasDtype: 8 as never })).toThrow('biasDtype is no dtype: 8');
    expect(() => new DTypeWithConstraints({ quantMin: 0 } as never)).toThrow('unknown option "quantMin"');
    expect(() => new DTypeWithConstraints({ quantMinLowerBound: Number.NaN })).toThrow(
      'DTypeWithConstraints: quantMinLowerBound must be a finite number, got NaN',
    );
  });

  it('warns of a QConfig whose dtypes no pattern takes', () => {
    const warning = vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
    const activation = octavo.MinMaxObserver.withArgs({ dtype: 'int8' });
    const signed = new octavo.QConfig({ activation, weight: octavo.defaultWeightObserver });
    const prepared = octavo.prepareFx(convolutions(), new QConfigMapping().setGlobal(signed), { x });
    expect(observers(prepared)).toEqual([]);
    expect(warning).toHaveBeenCalledExactlyOnceWith(
      'prepareFx: a QConfig is ignored: no pattern in the model takes activations of int8 and weights of int8; ' +
        "the backend's dtypes are others",
    );
  });

  it('quantizes its patterns alone', () => {
    const backendConfig = new BackendConfig('mine').setBackendPatternConfig(
      new BackendPatternConfig([nn.Conv2d, nn.ReLU]).addDtypeConfig(dtypes),
    );
    const prepared = octavo.prepareFx(convolutions(), mapping(), { x }, { backendConfig });
    expect(observers(prepared).map(({ args }) => String(args[0]))).toEqual(['_0_weight', 'x', 'relu']);
  });

  it('replaces the configuration of a pattern that it has', () => {
    const config = new BackendPatternConfig(nn.Conv2d).setObservationType(
      ObservationType.OUTPUT_SHARE_OBSERVER_WITH_INPUT,
    );
    const backend = octavo.getNativeBackendConfig();
    const { length } = backend.configs;
    backend.setBackendPatternConfig(config).setName('other');
    expect([backend.configs.length, backend.name]).toEqual([length, 'other']);
    expect(backend.configs.find(({ keys }) => keys.join() === 'torch.nn.Conv2d')).toBe(config);
  });

  it('warns of a QConfig whose weight it does not take, and leaves the layer in float', () => {
    const warning = vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
    const weightDtype = new DTypeWithConstraints({
      ...{ dtype: 'int8', quantMinLowerBound: -127, quantMaxUpperBound: 127 },
      scaleMinLowerBound: 2 ** -12,
    });
    const narrow = new DTypeConfig({ inputDtype: 'uint8', outputDtype: 'uint8', weightDtype });
    const backendConfig = new BackendConfig('symmetric').setBackendPatternConfig(
      new BackendPatternConfig(nn.Linear).addDtypeConfig(narrow),
    );
    const model = new nn.Sequential(new nn.Linear(4, 4)).eval();
    const rows = { x: { dtype: 'float32', shape: [2, 4] } } as const;
    const prepare = (weight: octavo.PartialObserver) => {
      const qconfig = new octavo.QConfig({ activation: octavo.defaultObserver, weight });
      return observers(
        octavo.prepareFx(model, new QConfigMapping().setGlobal(qconfig), rows, { backendConfig }),
      );
    };
    expect(prepare(octavo.perChannelWeightObserverRangeNeg127To127).length).toBe(3);
    expect(warning).not.toHaveBeenCalled();
    expect(prepare(octavo.defaultWeightObserver)).toEqual([]);
    expect(warning).toHaveBeenCalledWith(
      'prepareFx: a QConfig is ignored: its weight has the range [-128, 127], the backend [-127, 127]',
    );
    expect(prepare(octavo.weightObserverRangeNeg127To127.withArgs({ eps: 2 ** -20 }))).toEqual([]);
    expect(warning).toHaveBeenLastCalledWith(
      `prepareFx: a QConfig is ignored: its weight has the smallest scale (eps) ${2 ** -20}, the backend ${2 ** -12}`,
    );
  });

  it('may quantize what no kernel computes, which is then computed in float', async () => {
    class Total extends nn.Module {
      override forward(input: nn.Value): nn.Value {
        return nn.functional.sum(input, [1]);
      }
    }
    const activations = new DTypeConfig({ inputDtype: 'uint8', outputDtype: 'uint8' });
    const backendConfig = new BackendConfig('sums').setBackendPatternConfig(
      new BackendPatternConfig(nn.functional.sum).addDtypeConfig(activations),
    );
    const observer = octavo.MinMaxObserver.withArgs({ dtype: 'uint8' });
    const qconfig = new octavo.QConfig({ activation: observer, weight: octavo.NoopObserver });
    const rows = octavo.Tensor.from('float32', [0, 1, 2.55, 0.5, 1.5, 0], [2, 3]);
    const prepared = octavo.prepareFx(
      new Total().eval(),
      new QConfigMapping().setGlobal(qconfig),
      { x: rows },
      { backendConfig },
    );
    await octavo.calibrate(prepared, [rows]);
    using model = octavo.compile(octavo.convertFx(prepared));
    const [output] = Object.values(await model.run(rows)) as [octavo.Tensor];
    // Steps of 2.55 / 255 before the sum, of 3.55 / 255 after it.
    const step = 3.55 / 255;
    const sums = [255 * step, Math.round(2 / step) * step];
    output.toArray().forEach((value, i) => {
      expect(Number(value)).toBeCloseTo(sums[i]!, 5);
    });
  });

  it('says what a pattern is', () => {
    expect(() => new BackendPatternConfig([])).toThrow('a pattern has one to three operators');
    expect(() => new BackendPatternConfig(nn.Linear).addDtypeConfig({} as never)).toThrow(
      'expected a DTypeConfig',
    );
    expect(() => new BackendPatternConfig(nn.Linear).setObservationType('SHARED' as never)).toThrow(
      "the observation types are OUTPUT_USE_DIFFERENT_OBSERVER_AS_INPUT, OUTPUT_SHARE_OBSERVER_WITH_INPUT, INPUT_OUTPUT_NOT_OBSERVED; got 'SHARED'",
    );
    expect(() => new BackendConfig().setBackendPatternConfig({} as never)).toThrow(
      'BackendConfig: expected a BackendPatternConfig, got {}',
    );
  });
});
