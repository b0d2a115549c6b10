import { describe, expect, it } from 'vitest';
import { Graph } from '../../lib/graph/index.ts';

describe('Graph names', () => {
  // Expected names: the same calls made on a torch.fx.Graph of PyTorch 2.6.
  it('count on as torch.fx does, also past erased nodes', () => {
    const graph = new Graph();
    const x = graph.placeholder('x');
    const relu = (name?: string) => graph.callFunction('aten.relu.default', [x], {}, name);
    expect(relu().name).toBe('relu_default');
    const second = relu();
    expect(second.name).toBe('relu_default_1');
    expect(relu('relu_default_1').name).toBe('relu_default_2');
    expect(relu('relu_default_7').name).toBe('relu_default_7');
    expect(relu().name).toBe('relu_default_8');
    graph.eraseNode(second);
    expect(relu('relu_default_1').name).toBe('relu_default_3');
    expect(relu('a.b-c').name).toBe('a_b_c');
    expect(relu('0.weight').name).toBe('_0_weight');
    expect(relu('y_0').name).toBe('y_0');
    expect(relu('y_0').name).toBe('y_1');
  });
});

describe('Node users', () => {
  it('are in the order arguments were last set, as in torch.fx', () => {
    const graph = new Graph();
    const x = graph.placeholder('x');
    const a = graph.callFunction('aten.relu.default', [x], {}, 'a');
    const b = graph.callFunction('aten.add.Tensor', [x, a], {}, 'b');
    const c = graph.callFunction('aten.relu.default', [a], {}, 'c');
    expect(a.users).toEqual([b, c]);
    b.replaceInputWith(x, a);
    expect(x.users).toEqual([a]);
    expect(a.users).toEqual([c, b]);
    a.replaceAllUsesWith(x);
    expect(x.users).toEqual([a, c, b]);
    expect(a.users).toEqual([]);
  });
});
