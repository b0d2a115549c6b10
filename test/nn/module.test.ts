import { describe, expect, it } from 'vitest';
import * as nn from '../../lib/nn/index.ts';
import { Tensor } from '../../lib/tensor/index.ts';

class Block extends nn.Module {
  readonly norm = new nn.BatchNorm1d(3);
  readonly layers = new nn.ModuleList([new nn.Linear(3, 3), new nn.Dropout(0.2)]);
  readonly scale = new nn.Parameter(Tensor.from('float32', [2, 2, 2]));
  readonly cache = new nn.Buffer(Tensor.from('float32', [1]), false);
  readonly nothing: nn.Linear | null = null;

  override forward(x: nn.Value): nn.Value {
    return nn.functional.mul(this.layers.at(0).call(x) as nn.Value, this.scale.tensor);
  }
}

describe('Module', () => {
  it('names its parts as PyTorch does, and leaves what is not persistent out of the state dict', () => {
    const block = new nn.Sequential(new Block());
    expect(block.namedModules().map(([path]) => path)).toEqual([
      '',
      '0',
      '0.norm',
      '0.layers',
      '0.layers.0',
      '0.layers.1',
    ]);
    expect(block.namedParameters().map(([path]) => path)).toEqual([
      '0.scale',
      '0.norm.weight',
      '0.norm.bias',
      '0.layers.0.weight',
      '0.layers.0.bias',
    ]);
    expect(block.namedBuffers().map(([path]) => path)).toContain('0.cache');
    expect([...block.stateDict().keys()]).toEqual([
      '0.scale',
      '0.norm.weight',
      '0.norm.bias',
      '0.norm.running_mean',
      '0.norm.running_var',
      '0.norm.num_batches_tracked',
      '0.layers.0.weight',
      '0.layers.0.bias',
    ]);
  });

  it('switches training everywhere', () => {
    const block = new Block().eval();
    expect(block.namedModules().map(([, module]) => module.training)).toEqual([
      false,
      false,
      false,
      false,
      false,
    ]);
    expect(block.train().layers.at(1).training).toBe(true);
  });

  it('takes over a state dict, and lists all that does not fit', () => {
    const [from, to] = [new Block(), new Block()];
    to.loadStateDict(from.stateDict());
    expect(to.layers.at(0)).not.toBe(from.layers.at(0));
    expect(to.stateDict()).toEqual(from.stateDict());
    const state = from.stateDict();
    state.delete('norm.bias');
    state.set('scale', Tensor.from('float32', [1]));
    state.set('extra', Tensor.from('float32', [1]));
    expect(() => to.loadStateDict(state)).toThrow(
      "loadStateDict of Block: unexpected 'extra'; 'scale' is float32 [1], expected float32 [3]; missing 'norm.bias'",
    );
  });

  it('computes at once when it is given tensors', () => {
    const linear = new nn.Linear(2, 2);
    linear.weight.tensor = Tensor.from('float32', [1, 2, 3, 4], [2, 2]);
    linear.bias!.tensor = Tensor.from('float32', [10, -20]);
    const model = new nn.Sequential(linear, new nn.ReLU());
    const y = model.call(Tensor.from('float32', [1, 1], [1, 2])) as Tensor;
    expect(y.toArray()).toEqual([13, 0]);
  });

  it('refuses what cannot be', () => {
    expect(() => new nn.Conv2d(4, 6, 3, { groups: 4 })).toThrow('cannot be divided into 4 groups');
    expect(() => new nn.Dropout(2)).toThrow('p must be from 0 to 1');
    expect(() => new nn.Hardtanh(1, 1)).toThrow('must be below');
    expect(() => new nn.ModuleList([]).at(0)).toThrow('there is no module 0');
    expect(() => new nn.ModuleList([]).forward()).toThrow('cannot be called');
    const norm = new nn.BatchNorm2d(3).eval();
    expect(() => norm.call(Tensor.zeros('float32', [1, 3]))).toThrow('expected 4 dimensions, got [1, 3]');
  });
});
