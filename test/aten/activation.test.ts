import { describe, expect, it } from 'vitest';
import { operators } from '../../lib/aten/index.ts';
import { Graph, GraphModule, Interpreter } from '../../lib/graph/index.ts';
import { Tensor } from '../../lib/tensor/index.ts';

describe('activations', () => {
  it('relu runs in a graph', () => {
    const graph = new Graph();
    const x = graph.placeholder('x');
    graph.output([graph.callFunction('aten.relu.default', [x], {}, 'relu')]);
    const interpreter = new Interpreter(new GraphModule(graph), operators);
    const [y] = interpreter.run([Tensor.from('float32', [-1, 0, 2.5])]);
    expect([...y.toArray()]).toEqual([0, 0, 2.5]);
  });
});
