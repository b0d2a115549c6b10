import { describe, expect, it } from 'vitest';
import { convert, DeQuantStub, prepare, QuantStub } from '../../lib/eager/index.ts';
import { defaultQconfig } from '../../lib/index.ts';
import * as nn from '../../lib/nn/index.ts';
import { Tensor } from '../../lib/tensor/index.ts';
import { numbers } from './goldens.ts';

class Net extends nn.Module {
  readonly quant = new QuantStub();
  readonly fc = new nn.Linear(3, 3);
  readonly act = new nn.Hardswish();
  readonly norm = new nn.LayerNorm(3);
  readonly skip = new nn.quantized.FloatFunctional();
  readonly dequant = new DeQuantStub();

  forward(x: nn.Value): nn.Value {
    const q = this.quant.call(x);
    const y = this.norm.call(this.act.call(this.fc.call(q)));
    return this.dequant.call(this.skip.add(y, q));
  }
}

const x = Tensor.from('float32', [1, -2, 3, 0.5, -0.25, 4], [2, 3]);
const large = Tensor.from('float32', [40, -80, 90, 5, -25, 64], [2, 3]);

function calibratedOn(model: Net, sample: Tensor): Net {
  const prepared = prepare(model);
  prepared.call(sample);
  return convert(prepared);
}

describe('the state of a converted model', () => {
  const model = new Net().eval();
  model.qconfig = defaultQconfig;

  it('has the scales and zero points of results as PyTorch has them', () => {
    const state = calibratedOn(model, x).stateDict();
    const described = [...state]
      .filter(([key]) => /\.(scale|zero_point)$/.test(key))
      .map(([key, { dtype, shape }]) => [key, dtype, shape.join()]);
    // From `state_dict()` of the same network in PyTorch 2.6: vectors of one element in Quantize, numbers elsewhere.
    const expected = ['quant', 'fc', 'act', 'norm', 'skip'].flatMap((name) => [
      [`${name}.scale`, 'float32', name === 'quant' ? '1' : ''],
      [`${name}.zero_point`, 'int64', name === 'quant' ? '1' : ''],
    ]);
    expect(new Map(described.map((each) => [each[0], each]))).toEqual(
      new Map(expected.map((each) => [each[0], each])),
    );
  });

  it('makes a model of another calibration compute the same', () => {
    const [trained, other] = [calibratedOn(model, x), calibratedOn(model, large)];
    const results = () => [trained, other].map((each) => numbers(each.call(x) as Tensor));
    expect(results()[1]).not.toEqual(results()[0]);
    other.loadStateDict(trained.stateDict());
    expect(results()[1]).toEqual(results()[0]);
  });
});
