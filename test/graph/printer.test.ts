import { describe, expect, it } from 'vitest';
import {
  Graph,
  type Operator,
  type OperatorLibrary,
  parseSchema,
  printGraph,
} from '../../lib/graph/index.ts';
import { pythonFloat } from '../../lib/graph/python-float.ts';

const schema = parseSchema(
  'aten::f(Tensor a, float b, int c, Scalar d, bool e, Tensor[] g, *, str h="x", ScalarType? dtype=None) -> Tensor',
);
const library: OperatorLibrary = {
  get: () => ({ schema }) as Operator,
  has: (target) => target === schema.name,
};

describe('printGraph', () => {
  it('writes every kind of argument as torch.fx does', () => {
    const graph = new Graph();
    const x = graph.placeholder('x');
    const w = graph.getAttr('layer.weight');
    const f = graph.callFunction(
      'aten.f.default',
      [x, 2, 2, 6, false, [x, w]],
      { h: 'tanh', dtype: 'int8' },
      'f',
    );
    f.meta.floatArguments = ['d'];
    const item = graph.callFunction('operator.getitem', [f, 0]);
    const observer = graph.callModule('activation_post_process_0', [item]);
    graph.output([observer, f]);
    expect(printGraph(graph, library)).toBe(
      [
        'graph():',
        '    %x : [num_users=1] = placeholder[target=x]',
        '    %layer_weight : [num_users=1] = get_attr[target=layer.weight]',
        '    %f : [num_users=2] = call_function[target=torch.ops.aten.f.default](args = (%x, 2.0, 2, 6.0, False, [%x, %layer_weight]), kwargs = {h: tanh, dtype: torch.int8})',
        '    %getitem : [num_users=1] = call_function[target=operator.getitem](args = (%f, 0), kwargs = {})',
        '    %activation_post_process_0 : [num_users=1] = call_module[target=activation_post_process_0](args = (%getitem,), kwargs = {})',
        '    return (activation_post_process_0, f)',
      ].join('\n'),
    );
  });

  it('writes the largest 64-bit integer, which stands for "to the end"', () => {
    const graph = new Graph();
    const x = graph.placeholder('x');
    graph.output(graph.callFunction('aten.f.default', [x, 0.5, 2 ** 63], {}, 'f'));
    expect(printGraph(graph, library)).toContain('(%x, 0.5, 9223372036854775807)');
  });
});

describe('pythonFloat', () => {
  // Right-hand sides: Python 3.11's repr().
  it.each([
    [1, '1.0'],
    [-0, '-0.0'],
    [1e-5, '1e-05'],
    [0.0001, '0.0001'],
    [0.00001234, '1.234e-05'],
    [1e15, '1000000000000000.0'],
    [1e16, '1e+16'],
    [123456789012345680, '1.2345678901234568e+17'],
    [1e22, '1e+22'],
    [1.5e-7, '1.5e-07'],
    [1e-310, '1e-310'],
    [0.0136902816593647, '0.0136902816593647'],
    [Number.NaN, 'nan'],
    [Number.NEGATIVE_INFINITY, '-inf'],
  ])('%d', (value, expected) => {
    expect(pythonFloat(value)).toBe(expected);
  });
});
