import { describe, expect, it } from 'vitest';
import {
  addDims,
  deserializeGraph,
  Graph,
  SymInt,
  serializeGraph,
  type TensorMeta,
} from '../../lib/graph/index.ts';

function sample(): Graph {
  const graph = new Graph();
  const x = graph.placeholder('x_1');
  x.meta.val = { dtype: 'float32', shape: [new SymInt(['s0'], 2), addDims(new SymInt(['s1']), -1)] };
  const weight = graph.getAttr('layer.0.weight');
  const size = graph.callFunction('aten.sym_size.int', [x, 0]);
  size.meta.val = new SymInt(['s0'], 2);
  const parts = graph.callFunction('aten.split.Tensor', [[x, [weight, null]], 1e-5, -0, Infinity, NaN], {
    dim: -Infinity,
    flag: true,
    name: 'same',
  });
  parts.meta.val = [{ dtype: 'int8', shape: [1] }];
  graph.output([parts, size], ['result', 'size']);
  return graph;
}

describe('a graph', () => {
  it('comes back from JSON as it was', () => {
    const graph = sample();
    const json = serializeGraph(graph);
    const twin = deserializeGraph(JSON.parse(JSON.stringify(json)));
    expect(serializeGraph(twin)).toEqual(json);
    const [x, weight, size, parts, output] = twin.nodes;
    expect([x, weight, size, parts].map(({ name, op, target }) => [name, op, target])).toEqual(
      graph.nodes.slice(0, 4).map(({ name, op, target }) => [name, op, target]),
    );
    expect(parts.args).toEqual([[x, [weight, null]], 1e-5, -0, Infinity, NaN]);
    expect(parts.kwargs).toEqual({ dim: -Infinity, flag: true, name: 'same' });
    expect(String(size.meta.val)).toBe('2*s0');
    expect(String((x.meta.val as TensorMeta).shape)).toBe('2*s0,s1 - 1');
    expect(output.args).toEqual([[parts, size]]);
    expect(output.meta.outputNames).toEqual(['result', 'size']);
    expect(x.users).toEqual([size, parts]);
  });

  const node = { op: 'placeholder', name: 'x', target: 'x', args: [], kwargs: {} };
  it.each<[string, unknown, RegExp]>([
    ['nodes missing', {}, /nodes must be a list/],
    ['a node that is no object', { nodes: [1] }, /node 0 must be an object/],
    ['a name missing', { nodes: [{ ...node, name: 3 }] }, /name of node 0 must be a string/],
    ['a name twice', { nodes: [node, node] }, /two nodes are named 'x'/],
    ['a name that is none', { nodes: [{ ...node, name: 'a b' }] }, /'a b' is not a valid node name/],
    ['an unknown dtype', { nodes: [{ ...node, val: { dtype: 'f3', shape: [] } }] }, /unknown dtype 'f3'/],
    [
      'a negative size',
      { nodes: [{ ...node, val: { dtype: 'int8', shape: [-1] } }] },
      /non-negative integer/,
    ],
    [
      'a symbol that is none',
      { nodes: [{ ...node, val: { size: { symbols: [1], coefficient: 1 } } }] },
      /symbol of/,
    ],
    [
      'a coefficient that is none',
      { nodes: [{ ...node, val: { size: { symbols: ['s0'], coefficient: 0.5 } } }] },
      /coefficient is no integer/,
    ],
    [
      'terms that are none',
      { nodes: [{ ...node, val: { size: { symbols: ['s0'], coefficient: 1, plus: 1 } } }] },
      /plus of node 'x' must be a list/,
    ],
  ])('with %s is refused', (_, json, message) => {
    expect(() => deserializeGraph(json)).toThrow(message);
  });
});
