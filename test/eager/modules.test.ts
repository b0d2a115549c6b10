import { describe, expect, it } from 'vitest';
import * as eager from '../../lib/eager/index.ts';
import {
  convertPt2e,
  defaultDynamicQconfig,
  defaultQconfig,
  exportModel,
  getDefaultQatQconfig,
  getDefaultQconfig,
  PerChannelMinMaxObserver,
  QConfig,
} from '../../lib/index.ts';
import * as nn from '../../lib/nn/index.ts';
import { Tensor } from '../../lib/tensor/index.ts';
import { numbers } from './goldens.ts';

const { convert, DeQuantStub, fuseModules, fuseModulesQat, prepare, prepareQat, QuantStub } = eager;

const x = Tensor.from('float32', [1, -2, 3, 0.5, -0.25, 4], [2, 3]);
const network = () =>
  new nn.Sequential(new QuantStub(), new nn.Linear(3, 4), new nn.ReLU(), new DeQuantStub());

function configured<M extends nn.Module>(model: M, qconfig: QConfig | null = defaultQconfig): M {
  model.qconfig = qconfig;
  return model;
}

const typesOf = (model: nn.Module) =>
  model.namedModules().map(([path, module]) => `${path} ${module.constructor.name}`);

describe('prepare', () => {
  const observed = (model: nn.Module) =>
    model
      .namedModules()
      .flatMap(([path, { activationPostProcess }]) => (activationPostProcess ? [path] : []));

  it('observes what is quantized, in a copy', () => {
    const model = configured(network().eval());
    expect(observed(prepare(model))).toEqual(['0', '1']);
    expect(observed(model)).toEqual([]);
    expect(prepare(model, { inplace: true })).toBe(model);
    expect(observed(model)).toEqual(['0', '1']);
  });

  it('leaves modules in floating point whose qconfig is null, and those around which none is', () => {
    const model = new nn.Sequential({ a: configured(network()), b: network(), c: configured(network()) });
    model.getSubmodule('c').getSubmodule('1').qconfig = null;
    expect(observed(prepare(model))).toEqual(['a.0', 'a.1', 'c.0']);
  });

  it('refuses models that are prepared or converted already', () => {
    const prepared = prepare(configured(network()));
    expect(() => prepare(prepared)).toThrow(
      "prepare: the model is prepared already: '0' (torch.ao.quantization.stubs.QuantStub) has an observer",
    );
    prepared.call(x);
    const converted = convert(prepared);
    expect(() => convert(converted)).toThrow('is not prepared, or converted already');
    expect(() => prepare(configured(converted))).toThrow("prepare: the model is converted already: '0'");
  });

  it('refuses models without a qconfig, and what it cannot quantize', () => {
    expect(() => prepare(network())).toThrow('no module has a qconfig');
    expect(() => prepare(configured(network(), null))).toThrow('no module has a qconfig');
    expect(() => prepare(configured(network(), 'x86' as never))).toThrow(
      'must be a QConfig, null or undefined',
    );
    expect(() => prepare(configured(new nn.Sequential(new nn.LSTM(2, 3))))).toThrow(
      "'0' (torch.nn.modules.rnn.LSTM) is not quantized by what is observed: quantizeDynamic",
    );
    expect(() => prepare(configured(network(), defaultDynamicQconfig))).toThrow('quantizeDynamic');
    expect(() => prepare({} as nn.Module)).toThrow('expected a Module of octavo/nn, got object');
    expect(() => prepare(network(), { inPlace: true } as never)).toThrow('inPlace');
  });
});

describe('convert', () => {
  const calibrated = (model: nn.Module, qconfig?: QConfig) => {
    const prepared = prepare(configured(model.eval(), qconfig));
    prepared.call(x);
    return prepared;
  };

  it('swaps modules in a copy, and removes what prepare put there', () => {
    const prepared = calibrated(network());
    const before = typesOf(prepared);
    const converted = convert(prepared);
    expect(typesOf(converted)).toEqual([' Sequential', '0 Quantize', '1 Linear', '2 ReLU', '3 DeQuantize']);
    expect(converted.getSubmodule('1')).toBeInstanceOf(nn.quantized.Linear);
    expect(typesOf(prepared)).toEqual(before);
    for (const [, module] of converted.namedModules()) {
      expect(module.qconfig).toBeUndefined();
      expect(module.activationPostProcess).toBeUndefined();
    }
    expect(convert(prepared, { inplace: true })).toBe(prepared);
  });

  it('names a module that was not calibrated', () =>
    expect(() => convert(prepare(configured(network())))).toThrow("'0': MinMaxObserver has seen no tensor"));

  it('refuses what it would leave as it is', () => {
    expect(() => convert(network())).toThrow('the model is not prepared');
    expect(() => convert(calibrated(new nn.Linear(3, 4)))).toThrow(
      'the model itself is a torch.nn.modules.linear.Linear',
    );
    expect(() => convert(calibrated(network()), { mapping: {} as never })).toThrow(
      'convert: mapping must be a Map of classes',
    );
  });

  it('refuses an observer of channels for activations', () => {
    const activation = PerChannelMinMaxObserver.withArgs({ dtype: 'uint8' });
    const qconfig = new QConfig({ activation, weight: defaultQconfig.weight });
    expect(() => convert(calibrated(network(), qconfig))).toThrow(
      "'0': torch.ao.quantization.stubs.QuantStub: activations have one scale, and the observer has 2",
    );
  });

  it('refuses tables of embeddings that have no configuration of their own', () => {
    const model = new nn.Sequential(new nn.Embedding(3, 2));
    const prepared = prepare(configured(model.eval()));
    prepared.call(Tensor.from('int64', [0, 2]));
    expect(() => convert(prepared)).toThrow('floatQparamsWeightOnlyQconfig');
  });

  it('uses the mapping that it is given', () => {
    class Doubled extends nn.Module {
      static fromFloat(): Doubled {
        return new Doubled();
      }
      forward(value: nn.Value): nn.Value {
        return value;
      }
    }
    const mapping = eager.getDefaultStaticQuantModuleMappings().set(nn.Linear, Doubled);
    expect(typesOf(convert(calibrated(network()), { mapping }))).toContain('1 Doubled');
  });

  it('makes models that want quantized values where a stub is missing', () => {
    const converted = convert(calibrated(new nn.Sequential(new nn.Linear(3, 4))));
    expect(() => converted.call(x)).toThrow(
      'the input is not quantized: let it go through a QuantStub first',
    );
    const open = convert(calibrated(new nn.Sequential(new QuantStub(), new nn.Linear(3, 4))));
    const value = open.call(x) as nn.quantized.QuantizedValue;
    expect([value.dtype, value.shape, value.dequantize().dtype]).toEqual(['uint8', [2, 4], 'float32']);
    expect(() => exportModel(open, { x })).toThrow(
      'the model returns a quantized value: let it go through a DeQuantStub',
    );
  });
});

describe('observers', () => {
  const observing = <M extends nn.Module>(module: M) =>
    Object.assign(module, { activationPostProcess: defaultQconfig.activation.create() });

  it('refuse what is quantized already, and several values', () => {
    const quantize = new nn.quantized.Quantize({ scale: 1, zeroPoint: 0, dtype: 'uint8' });
    expect(() => new nn.Sequential(quantize, observing(new nn.ReLU())).call(x)).toThrow(
      'MinMaxObserver observes real numbers, got a quantized value',
    );
    expect(() => observing(new nn.GRUCell(3, 2)).call(x)).not.toThrow();
    expect(() => observing(new nn.GRU(3, 2)).call(x)).toThrow('MinMaxObserver observes one value, got 2');
  });
});

describe('fuseModules', () => {
  it('refuses what are no lists of paths', () => {
    const model = new nn.Sequential(new nn.Linear(3, 3), new nn.ReLU()).eval();
    for (const lists of ['0', [], [[]], ['0', ['1']]])
      expect(() => fuseModules(model, lists as never)).toThrow('modulesToFuse must be a list of paths');
  });

  it('lists what can be fused, when these cannot', () => {
    const model = new nn.Sequential(new nn.Linear(3, 3), new nn.Tanh()).eval();
    expect(() => fuseModules(model, ['0', '1'])).toThrow(
      /0, 1 cannot be fused: they are Linear \+ Tanh; what can be is .*Linear \+ ReLU/,
    );
    expect(() => fuseModules(model, ['0', '2'])).toThrow("there is no module '2'");
  });

  it('wants batch norms in the mode that fits', () => {
    const model = new nn.Sequential(new nn.Conv2d(3, 3, 1), new nn.BatchNorm2d(3));
    expect(() => fuseModules(model, ['0', '1'])).toThrow('0, 1 are in training mode: call eval() first');
    expect(() => fuseModulesQat(model.eval(), ['0', '1'])).toThrow(
      'are in evaluation mode: call train() first',
    );
    model.getSubmodule('1').train();
    expect(() => fuseModules(model, ['0', '1'])).toThrow('0 and 1 are not in the same mode');
  });

  it('computes the same in floating point, in a copy', () => {
    const norm = new nn.BatchNorm1d(4);
    norm.running_var.tensor = Tensor.from('float32', [2, 0.5, 1, 4]);
    norm.running_mean.tensor = Tensor.from('float32', [1, -1, 0.5, 2]);
    const model = new nn.Sequential(new nn.Linear(3, 4, { bias: false }), norm).eval();
    const fused = fuseModules(model, [['0', '1']]);
    expect(typesOf(fused)).toEqual([' Sequential', '0 Linear', '1 Identity']);
    expect(typesOf(model)).toEqual([' Sequential', '0 Linear', '1 BatchNorm1d']);
    const [before, after] = [model, fused].map((m) => numbers(m.call(x) as Tensor));
    // One product and sum in place of two.
    for (const [i, value] of after.entries()) expect(Math.abs(value - before[i])).toBeLessThan(1e-5);
  });
});

describe('stubs', () => {
  it('are put around modules with a qconfig', () => {
    const model = new nn.Sequential(configured(new nn.Linear(3, 4)), new nn.ReLU());
    const wrapped = eager.addQuantDequant(model);
    expect(wrapped).toBe(model);
    expect(typesOf(wrapped)).toEqual([
      ...[' Sequential', '0 QuantWrapper', '0.quant QuantStub', '0.dequant DeQuantStub', '0.module Linear'],
      '1 ReLU',
    ]);
    expect(wrapped.getSubmodule('0.quant').qconfig).toBe(defaultQconfig);
    expect(eager.addQuantDequant(configured(new nn.Linear(3, 4)))).toBeInstanceOf(eager.QuantWrapper);
  });
});

describe('quantize', () => {
  it('prepares, calibrates and converts', async () => {
    const quantized = await eager.quantize(
      configured(network(), getDefaultQconfig()),
      async (prepared, batches: readonly Tensor[]) => {
        for (const batch of batches) prepared.call(batch);
      },
      [[x]],
    );
    expect(typesOf(quantized)).toContain('0 Quantize');
    expect(quantized.training).toBe(false);
  });

  it('rejects without a function that calibrates', () =>
    expect(eager.quantize(configured(network()), undefined as never)).rejects.toThrow(
      'quantize: expected a function that runs the prepared model',
    ));

  it('rejects with what the calibration throws', async () => {
    const calibration = eager.quantize(configured(network()), () => {
      throw new Error('no data');
    });
    await expect(calibration).rejects.toThrow('no data');
  });
});

describe('training', () => {
  it('wants a model in training mode', () =>
    expect(() => prepareQat(configured(network().eval()))).toThrow('evaluation mode: call train() first'));

  it('refuses a batch norm by whose weight it would divide by 0', () => {
    const norm = new nn.BatchNorm2d(3);
    norm.weight.tensor = Tensor.from('float32', [1, 0, 1]);
    const fused = fuseModulesQat(new nn.Sequential(new nn.Conv2d(3, 3, 1), norm), ['0', '1']);
    expect(() => prepareQat(configured(fused, getDefaultQatQconfig()))).toThrow(
      "'0': torch.ao.nn.intrinsic.qat.modules.conv_fused.ConvBn2d: the weight of the batch norm is 0 in channel 1",
    );
  });

  it('runs through quantizeQat', async () => {
    const qconfig = getDefaultQatQconfig();
    const quantized = await eager.quantizeQat(configured(network(), qconfig), (prepared) => prepared.call(x));
    expect(typesOf(quantized)).toContain('1 Linear');
    expect(quantized.getSubmodule('1')).toBeInstanceOf(nn.quantized.Linear);
  });
});

describe('a prepared model that is captured', () => {
  it('has the observers in its graph, which convertPt2e reads', () => {
    const prepared = prepare(configured(network().eval()));
    prepared.call(x);
    const captured = exportModel(prepared, { x });
    const calls = captured.graph.nodes.filter(({ op }) => op === 'call_module');
    expect(calls.map(({ target }) => target)).toEqual([
      'activation_post_process_0',
      'activation_post_process_1',
    ]);
    expect(captured.module('activation_post_process_1')).toBe(
      prepared.getSubmodule('1').activationPostProcess,
    );
    const targets = convertPt2e(captured).graph.nodes.map(({ target }) => target);
    expect(targets).toContain('quantized_decomposed.quantize_per_tensor.default');
  });
});
