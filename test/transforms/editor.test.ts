import { describe, expect, it } from 'vitest';
import { type Graph, GraphModule } from '../../lib/graph/index.ts';
import { Tensor } from '../../lib/tensor/index.ts';
import { GraphEditor } from '../../lib/transforms/editor.ts';

/** `x: float32[2, 3] → relu → output`, traced in a module. */
function smallGraph() {
  const module = new GraphModule();
  const { graph } = module;
  const x = graph.placeholder('x');
  x.meta.val = { dtype: 'float32', shape: [2, 3] };
  const relu = graph.callFunction('aten.relu.default', [x]);
  relu.meta = {
    val: { dtype: 'float32', shape: [2, 3] },
    nnModuleStack: [{ path: 'features.0', type: 'torch.nn.modules.activation.ReLU' }],
    sourceFnStack: [{ name: 'relu', target: 'torch.nn.modules.activation.ReLU' }],
    stackTrace: '  File "model.py", line 7, in forward\n    return self.relu(x)',
  };
  graph.output(relu);
  return { module, graph, x, relu, editor: new GraphEditor(module) };
}

const names = ({ nodes }: Graph) => nodes.map(String);

const observer = { forward: (input: Tensor) => input };

describe('GraphEditor', () => {
  it('infers dtype and shape of a new call, and puts it before or after a node', () => {
    const { editor, graph, x, relu } = smallGraph();
    const before = editor.call('aten.to.dtype', [x, 'bfloat16'], { before: relu });
    const after = editor.call('aten.transpose.int', [relu, 0, 1], { after: relu });
    expect(before.meta.val).toEqual({ dtype: 'bfloat16', shape: [2, 3] });
    expect(after.meta.val).toEqual({ dtype: 'float32', shape: [3, 2] });
    expect(names(graph)).toEqual(['x', 'to_dtype', 'relu_default', 'transpose_int', 'output']);
  });

  it('takes arguments by the names of the schema, those without a position as keywords', () => {
    const { editor, x, relu } = smallGraph();
    const sum = editor.call('aten.add.Tensor', { self: x, other: relu, alpha: 2 }, { after: relu });
    expect([sum.args, sum.kwargs]).toEqual([[x, relu], { alpha: 2 }]);
    expect(() => editor.call('aten.add.Tensor', { self: x, other: relu }, { after: relu })).toThrow(
      "aten.add.Tensor: no value for argument 'alpha'",
    );
    editor.setArguments(sum, { ...editor.named(sum), other: x });
    expect([sum.args, sum.kwargs]).toEqual([[x, x], { alpha: 2 }]);
  });

  it('copies where a node comes from in the model, and nothing else', () => {
    const { editor, relu } = smallGraph();
    const { nnModuleStack, sourceFnStack, stackTrace } = relu.meta;
    const twin = editor.replace(relu, 'aten.abs.default', [relu.args[0]]);
    const val = { dtype: 'float32', shape: [2, 3] };
    expect(twin.meta).toEqual({ val, nnModuleStack, sourceFnStack, stackTrace });
  });

  it('keeps what a node knows of itself, and learns the rest from the first that knows it', () => {
    const { editor, x, relu } = smallGraph();
    const other = editor.call('aten.abs.default', [x], { before: relu });
    other.meta.stackTrace = 'other';
    editor.inherit(other, [x, relu]);
    expect(other.meta).toMatchObject({ stackTrace: 'other', nnModuleStack: relu.meta.nnModuleStack });
  });

  it('replaces a node for all its users, and erases what is unused then', () => {
    const { editor, graph, x, relu } = smallGraph();
    const abs = editor.call('aten.abs.default', [relu], { after: relu });
    relu.replaceAllUsesWith(abs, (user) => user !== abs);
    editor.replace(abs, 'aten.neg.default', [x], [relu]);
    expect(names(graph)).toEqual(['x', 'neg_default', 'output']);
    expect(() => editor.erase(x)).toThrow(/cannot erase x: it is still used by neg_default/);
  });

  it('finds free names for constants and modules', () => {
    const { editor, module, relu } = smallGraph();
    const one = Tensor.from('float32', [1]);
    module.attributes.set('weight_bias', one);
    module.modules.set('weight_bias_1', observer);
    module.attributes.set('_scale_1', one);
    const targets = (...wanted: string[]) =>
      wanted.map((name) => editor.constant(name, one, { before: relu }).target);
    expect(targets('weight_bias', 'weight_bias')).toEqual(['weight_bias_2', 'weight_bias_3']);
    expect(targets('_scale_0', '_scale_0', '_scale_0')).toEqual(['_scale_0', '_scale_2', '_scale_3']);
    const observers = [1, 2].map(() => editor.callModule('_scale_0', observer, relu, { after: relu }));
    expect(observers.map(({ target }) => target)).toEqual(['_scale_4', '_scale_5']);
    expect(observers[0].meta.val).toEqual({ dtype: 'float32', shape: [2, 3] });
    expect(module.module('_scale_4')).toBe(observer);
  });

  it('does not count from the beginning for every name', () => {
    const { editor, module, relu } = smallGraph();
    let looks = 0;
    const has = module.attributes.has.bind(module.attributes);
    module.attributes.has = (name) => {
      looks++;
      return has(name);
    };
    const value = Tensor.from('float32', [1]);
    for (let i = 0; i < 300; i++) editor.constant('_scale_0', value, { before: relu });
    // Each looks whether the name itself is taken, and whether the next one is.
    expect(looks).toBeLessThanOrEqual(2 * 300);
  });

  it('says which input it knows nothing of, and which operator refuses its arguments', () => {
    const { editor, graph, relu } = smallGraph();
    const unknown = graph.insertingBefore(relu, () => graph.callFunction('aten.abs.default', [relu.args[0]]));
    expect(() => editor.call('aten.neg.default', [unknown], { before: relu })).toThrow(
      "dtype and shape of 'abs_default' are unknown",
    );
    expect(() => editor.call('aten.transpose.int', [relu, 0, 5], { after: relu })).toThrow(/transpose/);
  });
});
