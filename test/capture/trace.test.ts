import { describe, expect, it } from 'vitest';
import { GlyphMobileNet } from '../../examples/train-glyphs/glyph-mobilenet.ts';
import { operators } from '../../lib/aten/index.ts';
import { type ExportOptions, exportModel, loadPt2 } from '../../lib/capture/index.ts';
import { type GraphModule, Interpreter, printGraph, SymInt } from '../../lib/graph/index.ts';
import { compile, exportOnnx, lower, preparePt2e, X86Quantizer } from '../../lib/index.ts';
import * as nn from '../../lib/nn/index.ts';
import { Tensor } from '../../lib/tensor/index.ts';
import { GlyphResNet } from '../models/glyph-resnet.ts';
import { TinyCNN } from '../models/tiny-cnn.ts';

const F = nn.functional;
const image = { x: Tensor.zeros('float32', [2, 3, 32, 32]) };
const batch: ExportOptions = { dynamicShapes: { x: { 0: { name: 'batch', max: 1024 } } } };

/** A model of one function. */
class Model extends nn.Module {
  readonly #body: (...inputs: nn.Value[]) => nn.Value | readonly nn.Value[];
  constructor(body: (...inputs: nn.Value[]) => nn.Value | readonly nn.Value[]) {
    super();
    this.#body = body;
  }
  override forward(...inputs: nn.Value[]): nn.Value | readonly nn.Value[] {
    return this.#body(...inputs);
  }
}
const print = (module: GraphModule) => printGraph(module.graph, operators);
const trace = (body: (...inputs: nn.Value[]) => nn.Value | readonly nn.Value[], options?: ExportOptions) =>
  exportModel(new Model(body).eval(), { x: Tensor.zeros('float32', [2, 4, 6]) }, options);

describe('exportModel', () => {
  it.each([
    ['tiny_cnn', TinyCNN],
    ['glyph_resnet', GlyphResNet],
    ['glyph_mobilenet', GlyphMobileNet],
  ])("gives PyTorch's graph of %s", async (name, Net) => {
    const exported = exportModel(new Net().eval(), image, batch);
    const expected = await loadPt2(`models/${name}.pt2`);
    expect(print(exported)).toBe(print(expected));
    expect([...exported.rangeConstraints]).toEqual([...expected.rangeConstraints]);
    for (const [i, node] of exported.graph.nodes.entries()) {
      const twin = expected.graph.nodes[i];
      expect(String(node.meta.val && JSON.stringify(node.meta.val))).toBe(
        String(JSON.stringify(twin.meta.val)),
      );
      if (node.op !== 'call_function') continue;
      const paths = (n: typeof node) => n.meta.nnModuleStack?.map((frame) => frame.path);
      expect(paths(node)).toEqual(paths(twin));
      // Python writes the flatten of one model as a method, ours is always the function.
      const source = (n: typeof node) =>
        n.meta.sourceFnStack?.at(-1)?.target.replace(/^torch\.flatten$/, 'flatten');
      expect(source(node)).toBe(source(twin));
    }
  });

  it('shares what modules share and takes over their weights', () => {
    const model = new TinyCNN().eval();
    const { attributes } = exportModel(model, image);
    expect(attributes.get('conv1.weight')).toBe(model.conv1.weight.tensor);
  });

  it('fixes sizes unless told otherwise, and gives one batch to all inputs', () => {
    const fixed = exportModel(new TinyCNN().eval(), image);
    expect(fixed.rangeConstraints.size).toBe(0);
    const inputs = { a: Tensor.zeros('float32', [2, 3]), b: Tensor.zeros('float32', [2, 3]) };
    const module = exportModel(new Model((a, b) => F.add(a, b)), inputs, { dynamicBatch: true });
    expect([...module.rangeConstraints]).toEqual([['s0', { min: 1, max: Number.POSITIVE_INFINITY }]]);
    expect(module.graph.placeholders.map((node) => JSON.stringify(node.meta.val))).toEqual(
      Array(2).fill(JSON.stringify({ dtype: 'float32', shape: [new SymInt(['s0']), 3] })),
    );
  });

  it('takes symbolic sizes from the input, as PyTorch does', () => {
    const module = trace((x) => F.reshape(F.transpose(x, 1, 2), [x.shape[0], -1]), { dynamicBatch: true });
    expect(print(module)).toBe(
      [
        'graph():',
        '    %x : [num_users=2] = placeholder[target=x]',
        '    %sym_size_int_1 : [num_users=1] = call_function[target=torch.ops.aten.sym_size.int](args = (%x, 0), kwargs = {})',
        '    %transpose : [num_users=1] = call_function[target=torch.ops.aten.transpose.int](args = (%x, 1, 2), kwargs = {})',
        '    %reshape : [num_users=1] = call_function[target=torch.ops.aten.reshape.default](args = (%transpose, [%sym_size_int_1, -1]), kwargs = {})',
        '    return (reshape,)',
      ].join('\n'),
    );
  });

  it('moves a value to the result of an in-place operator', () => {
    const relu = new nn.ReLU({ inplace: true });
    const module = trace((x) => {
      const y = F.mul(x, 2);
      relu.call(y);
      return F.add(y, 1);
    });
    expect(print(module)).toContain('aten.relu_.default](args = (%mul,), kwargs = {})');
    expect(print(module)).toContain('aten.add.Tensor](args = (%relu_, 1), kwargs = {})');
  });

  it('shows what was written through a view to those who read the same memory elsewhere', () => {
    const module = trace((x) => {
      const y = F.mul(x, 2);
      F.relu(F.transpose(y, 0, 1), { inplace: true });
      return F.add(y, 1);
    });
    const values = Array.from({ length: 48 }, (_, i) => (i % 7) - 3);
    const [result] = new Interpreter(module, operators).run([Tensor.from('float32', values, [2, 4, 6])]);
    expect(result.toArray()).toEqual(values.map((value) => Math.max(2 * value, 0) + 1));
  });

  it('refuses an in-place operator on a view that is still looked at from elsewhere', () => {
    const body = (x: nn.Value) => {
      const y = F.mul(x, 2);
      F.relu(F.flatten(y, 1), { inplace: true });
      return F.flatten(y, 1);
    };
    expect(() => trace(body)).toThrow(
      /'relu_' .* writes the memory of 'mul' through 'flatten' .* may be a copy/,
    );
  });

  it('gives several results one node each, and keeps tensors of no module as constants', () => {
    const module = trace((x) => {
      const [a, b] = F.chunk(x, 2, 1);
      return [F.mul(a, b), F.add(b, Tensor.scalar('float32', 3))];
    });
    expect(print(module)).toContain(
      '%getitem_1 : [num_users=2] = call_function[target=operator.getitem](args = (%chunk, 1)',
    );
    expect(print(module)).toContain('%lifted_tensor_0 : [num_users=1] = get_attr[target=lifted_tensor_0]');
    expect(print(module)).toContain('return (mul, add)');
  });

  it('refuses windows that do not move, and what is no module', () => {
    const x = { dtype: 'float32', shape: [1, 3, 8, 8] } as const;
    const still = new nn.Conv2d(3, 4, 3, { stride: 0 }).eval();
    expect(() => exportModel(still, { x })).toThrow(/kernel 3, stride 0 and dilation 1 must be at least 1/);
    expect(() => exportModel({} as nn.Module, { x })).toThrow(/expected a Module of octavo\/nn/);
  });

  it('says where a shape does not fit', () => {
    expect(() => exportModel(new TinyCNN().eval(), { x: Tensor.zeros('float32', [1, 4, 32, 32]) })).toThrow(
      /^export of 'conv1' \(torch\.nn\.modules\.conv\.Conv2d\): .*channels/,
    );
    expect(() => exportModel(new TinyCNN().eval(), { x: Tensor.zeros('float32', [3, 32]) })).toThrow(/conv1/);
  });

  it('refuses control flow that depends on elements or on the batch', () => {
    expect(() => trace((x) => ((x as unknown as number) > 0 ? x : F.relu(x)))).toThrow(
      "the elements of 'x' are not known while a model is exported",
    );
    expect(() => trace((x) => F.mul(x, (x as Tensor).item()))).toThrow("the elements of 'x' are not known");
    const bySize = (x: nn.Value) => ((x.shape[0] as number) > 1 ? x : F.relu(x));
    expect(() => trace(bySize, { dynamicBatch: true })).toThrow(
      'the size s0 is known only when a request arrives',
    );
  });

  it('captures a model in training, which is not run', () => {
    const training = exportModel(new TinyCNN(), image);
    expect(training.graph.nodes.filter(({ args }) => args[5] === true)).toHaveLength(3);
    const refusal = /node 'batch_norm' \(aten\.batch_norm\.default\).*call eval\(\) before export/;
    expect(() => lower(training)).toThrow(refusal);
    expect(() => preparePt2e(training, new X86Quantizer())).toThrow(refusal);
    expect(() => exportOnnx(training)).toThrow(refusal);
    expect(() => compile(training)).toThrow('call eval() before export');
  });

  it('refuses one that writes its weights', () => {
    const weight = Tensor.zeros('float32', [1]);
    expect(() => trace((x) => F.add(x, F.relu(weight, { inplace: true })))).toThrow(
      'writes the parameter or buffer',
    );
  });

  it('refuses dynamic shapes that name nothing', () => {
    const dim = { name: 'n' };
    expect(() => trace((x) => x, { dynamicShapes: { y: { 0: dim } } })).toThrow(
      "names 'y', but the inputs are x",
    );
    expect(() => trace((x) => x, { dynamicShapes: { x: { 7: dim } } })).toThrow(
      "the axis of the dynamic size 'n'",
    );
    expect(() => trace((x) => x, { dynamicShapes: { x: { 0: { ...dim, min: 3 } } } })).toThrow(
      'is not in 3..',
    );
  });
});
