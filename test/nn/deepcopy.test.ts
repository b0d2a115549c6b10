import { describe, expect, it } from 'vitest';
import * as nn from '../../lib/nn/index.ts';
import { Tensor } from '../../lib/tensor/index.ts';

class Net extends nn.Module {
  readonly conv = new nn.Conv2d(3, 4, 1);
  readonly shared = this.conv;
  readonly listed = [new nn.Linear(2, 2)];
  readonly named = { norm: new nn.BatchNorm2d(4) };
  readonly blocks = new nn.ModuleList([new nn.Linear(2, 3), new nn.ReLU()]);
  readonly rnn = new nn.LSTM(2, 3);

  forward(x: nn.Value): nn.Value {
    return this.conv.call(x);
  }
}

describe('deepcopy', () => {
  const original = new Net().eval();
  const copy = nn.deepcopy(original);

  it('copies modules, parameters and buffers, and shares tensors', () => {
    expect(copy).toBeInstanceOf(Net);
    expect(copy.training).toBe(false);
    expect([...copy.stateDict()]).toEqual([...original.stateDict()]);
    expect(copy.conv).not.toBe(original.conv);
    expect(copy.conv.weight).not.toBe(original.conv.weight);
    expect(copy.conv.weight.tensor).toBe(original.conv.weight.tensor);
    expect(copy.listed[0]).not.toBe(original.listed[0]);
    expect(copy.named.norm.running_mean).not.toBe(original.named.norm.running_mean);
    expect(copy.blocks.at(0)).not.toBe(original.blocks.at(0));
    expect(copy.rnn.ownParameters[0][1]).not.toBe(original.rnn.ownParameters[0][1]);
  });

  it('keeps what is one module one module', () => expect(copy.shared).toBe(copy.conv));

  it('leaves the original when the copy changes', () => {
    const { tensor } = original.conv.weight;
    copy.conv.weight.tensor = Tensor.zeros('float32', tensor.shape);
    copy.blocks.setSubmodule('0', new nn.Identity());
    expect(original.conv.weight.tensor).toBe(tensor);
    expect(original.blocks.at(0)).toBeInstanceOf(nn.Linear);
  });

  it('runs', () => {
    const x = Tensor.from('float32', [1, 2, 3, 4, 5, 6], [1, 3, 1, 2]);
    const [before, after] = [original, nn.deepcopy(original)].map((net) => (net.call(x) as Tensor).toArray());
    expect(after).toEqual(before);
    const sequence = Tensor.from('float32', [1, 2, 3, 4], [2, 1, 2]);
    const [states] = nn.deepcopy(original).rnn.call(sequence) as readonly Tensor[];
    expect(states.toArray()).toEqual((original.rnn.call(sequence)[0] as Tensor).toArray());
  });

  it('refuses classes with private fields, whose copies could not run', () => {
    class Private extends nn.Module {
      readonly #factor = 2;
      forward(x: nn.Value): nn.Value {
        return nn.functional.mul(x, this.#factor);
      }
    }
    expect(() => nn.deepcopy(new nn.Sequential(new Private()))).toThrow(
      "Private has private fields (#), which cannot be copied; declare them 'private', or change the model in place",
    );
  });
});

describe('a field that holds a function', () => {
  class Net extends nn.Module {
    readonly layer = new nn.Linear(2, 2);
    compute: (x: nn.Value) => nn.Value = (x) => x;
    forward(x: nn.Value): nn.Value {
      return this.compute(x);
    }
  }

  it("is refused when its 'this' is the original's", () => {
    const arrow = new Net();
    arrow.compute = new (class {
      readonly of = arrow;
      readonly compute = (x: nn.Value) => this.of.layer.call(x);
    })().compute;
    expect(() => nn.deepcopy(arrow)).toThrow(
      "the field 'compute' is a function whose 'this' cannot be copied",
    );
    const bound = new Net();
    bound.compute = bound.layer.call.bind(bound.layer);
    expect(() => nn.deepcopy(bound)).toThrow("the field 'compute'");
  });

  it('is copied when it has no this, or that of its call', () => {
    const free = new Net();
    free.compute = nn.functional.relu;
    expect(nn.deepcopy(free).compute).toBe(nn.functional.relu);
    const own = new Net();
    own.compute = function (this: Net, x) {
      return this.layer.call(x);
    };
    const copy = nn.deepcopy(own);
    copy.layer.weight.tensor = Tensor.zeros('float32', [2, 2]);
    copy.layer.bias!.tensor = Tensor.zeros('float32', [2]);
    expect((copy.call(Tensor.from('float32', [1, 2], [1, 2])) as Tensor).toArray()).toEqual([0, 0]);
  });
});

describe('getSubmodule and setSubmodule', () => {
  it('go by path, through containers', () => {
    const net = new nn.Sequential(new Net());
    expect(net.getSubmodule('')).toBe(net);
    expect(net.getSubmodule('0.blocks.1')).toBeInstanceOf(nn.ReLU);
    net.setSubmodule('0.blocks.1', new nn.Tanh());
    expect(net.getSubmodule('0.blocks.1')).toBeInstanceOf(nn.Tanh);
    expect(net.namedModules().map(([path]) => path)).toContain('0.blocks.1');
    net.setSubmodule('0.conv', new nn.Identity());
    expect((net.at(0) as Net).conv).toBeInstanceOf(nn.Identity);
  });

  it('say what there is, where there is no such module', () => {
    const net = new nn.Sequential(new nn.ReLU());
    expect(() => net.getSubmodule('0.x')).toThrow(
      "there is no module '0.x': torch.nn.modules.activation.ReLU has none",
    );
    expect(() => net.setSubmodule('1', new nn.ReLU())).toThrow("there is no module '1'");
    expect(() => net.setSubmodule('', new nn.ReLU())).toThrow('needs the path of a module inside of it');
  });
});
