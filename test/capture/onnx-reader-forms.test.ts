import { describe, expect, it } from 'vitest';
import { referenceModels } from '../../bench/models/index.ts';
import { operators } from '../../lib/aten/index.ts';
import { describeOnnx, exportModel, exportOnnx, loadOnnx, loadPt2 } from '../../lib/capture/index.ts';
import { type GraphModule, Interpreter, tensorMeta } from '../../lib/graph/index.ts';
import { manualSeed } from '../../lib/nn/index.ts';
import { Tensor } from '../../lib/tensor/index.ts';
import { onnxModel, randomTensor, type TestNode } from '../support/onnx-model.ts';

const run = (module: GraphModule, ...inputs: Tensor[]) => new Interpreter(module, operators).run(inputs);
const x = Tensor.from('float32', [-1, 2, -3, 4, -5, 6], [2, 3]);
const inputs = { x: ['float32', [2, 3]] } as const;
const targets = ({ graph }: GraphModule) =>
  graph.nodes.filter(({ op }) => op === 'call_function').map(({ target }) => target);

describe('loadOnnx reads files as they are', () => {
  it('nodes out of order, nodes that nothing needs, no names and the same ones', async () => {
    const nodes: TestNode[] = [
      { op: 'Neg', inputs: ['a'], outputs: ['y'] },
      { op: 'Relu', inputs: ['x'], outputs: ['a'] },
      { op: 'Loop', inputs: ['x'], outputs: ['unused'] },
    ];
    const module = await loadOnnx(onnxModel({ opset: 13, inputs, outputs: ['y'], nodes }));
    expect(run(module, x)[0].toArray()).toEqual([0, -2, 0, -4, 0, -6]);
    const named = nodes.map((node) => ({ ...node, name: 'same' }));
    expect(
      targets(await loadOnnx(onnxModel({ opset: 13, inputs, outputs: ['y'], nodes: named }))),
    ).toHaveLength(2);
  });

  it('names that are no words, of inputs and outputs', async () => {
    const bytes = onnxModel({
      opset: 13,
      inputs: { 'input:0/x': ['float32', [2, 3]] },
      outputs: ['{"1": "y"}', 'input:0/x'],
      nodes: [{ op: 'Relu', inputs: ['input:0/x'], outputs: ['{"1": "y"}'] }],
    });
    const { graph } = await loadOnnx(bytes);
    expect(graph.placeholders.map(({ target }) => target)).toEqual(['input:0/x']);
    expect(graph.outputNode.meta.outputNames).toEqual(['{"1": "y"}', 'input:0/x']);
  });

  it('initializers that are listed as inputs, and one that is an output', async () => {
    const bytes = onnxModel({
      opset: 9,
      inputs: { ...inputs, w: ['float32', [3]] },
      initializers: { w: Tensor.from('float32', [1, 2, 3]) },
      outputs: ['y', 'w'],
      nodes: [{ op: 'Add', inputs: ['x', 'w'], outputs: ['y'] }],
    });
    const module = await loadOnnx(bytes);
    expect(module.graph.placeholders.map(String)).toEqual(['x']);
    expect(run(module, x).map((tensor) => tensor.toArray())).toEqual([
      [0, 4, 0, 5, -3, 9],
      [1, 2, 3],
    ]);
  });

  it('functions of the model, with attributes and inputs left out', async () => {
    const bytes = onnxModel({
      opset: 13,
      otherOpsets: { own: 1, 'never.used': 7 },
      inputs,
      outputs: ['y'],
      nodes: [{ op: 'Joined', domain: 'own', inputs: ['x', ''], outputs: ['y'], attributes: { along: 1 } }],
      functions: [
        {
          name: 'Joined',
          domain: 'own',
          inputs: ['a', 'high'],
          outputs: ['c'],
          attributes: ['along'],
          nodes: [
            { op: 'Clip', inputs: ['a', '', 'high'], outputs: ['b'] },
            { op: 'Concat', inputs: ['a', 'b'], outputs: ['c'], attributes: { axis: { ref: 'along' } } },
          ],
        },
      ],
    });
    const [y] = run(await loadOnnx(bytes), x);
    expect(y.shape).toEqual([2, 6]);
    expect(y.toArray()).toEqual([-1, 2, -3, -1, 2, -3, 4, -5, 6, 4, -5, 6]);
  });

  const rate = (branch: string, slope: number) => ({
    graph: {
      nodes: [{ op: 'LeakyRelu', inputs: ['x'], outputs: [branch], attributes: { alpha: { float: slope } } }],
      outputs: [branch],
    },
  });
  const withRate = onnxModel({
    opset: 13,
    inputs: { ...inputs, sr: ['int64', []] },
    outputs: ['y'],
    initializers: { high: Tensor.scalar('int64', 16000) },
    nodes: [
      { op: 'Equal', inputs: ['sr', 'high'], outputs: ['isHigh'] },
      {
        op: 'If',
        inputs: ['isHigh'],
        outputs: ['y'],
        attributes: { then_branch: rate('a', 0.5), else_branch: rate('b', 0.25) },
      },
    ],
  });

  it('inputs bound to numbers, which decide conditions', async () => {
    for (const [sr, slope] of [
      [16000n, 0.5],
      [8000, 0.25],
    ] as const) {
      const module = await loadOnnx(withRate, { bind: { sr } });
      expect(module.graph.placeholders.map(String)).toEqual(['x']);
      expect(targets(module)).toEqual(['aten.leaky_relu.default']);
      expect(run(module, x)[0].toArray()).toEqual(x.toArray().map((v) => (v < 0 ? slope * v : v)));
    }
  });

  it('shapes that are given', async () => {
    const bytes = onnxModel({
      opset: 13,
      inputs: { x: ['float32', ['batch', 3]] },
      outputs: ['y'],
      nodes: [{ op: 'Relu', inputs: ['x'], outputs: ['y'] }],
    });
    const shape = async (shapes: Record<string, (number | string)[]>) =>
      String(tensorMeta((await loadOnnx(bytes, { shapes })).graph.placeholders[0])?.shape);
    expect(await shape({})).toBe('batch,3');
    expect(await shape({ x: [5, 3] })).toBe('5,3');
    expect(await shape({ x: ['n', 3] })).toBe('n,3');
  });

  it('names of sizes, which say that two are the same', async () => {
    const bytes = onnxModel({
      opset: 13,
      inputs: { a: ['float32', ['m']], b: ['float32', ['n']] },
      outputs: ['y'],
      nodes: [{ op: 'Add', inputs: ['a', 'b'], outputs: ['y'], name: 'sum' }],
    });
    await expect(loadOnnx(bytes)).rejects.toThrow(
      /node 'sum' \(Add\): .*\[m\].*\[n\].*said to be the same, with the option 'shapes'/,
    );
    const module = await loadOnnx(bytes, { shapes: { b: ['m'] } });
    const [a, b] = [1, 2].map((value) => Tensor.from('float32', [value, value]));
    expect(run(module, a, b)[0].toArray()).toEqual([3, 3]);
  });

  it('that are described without their weights', async () => {
    const { format, version, programs } = await describeOnnx('test/fixtures/onnx/torchscript_17/lstm.onnx');
    expect(format).toBe('ONNX, file format 8');
    expect(version).toBe('operator sets ai.onnx 17');
    expect(programs[0].inputs).toEqual([{ name: 'x', dtype: 'float32', shape: ['b', 9, 24] }]);
    expect(programs[0].operators).toContainEqual({ target: 'LSTM', count: 2, isSupported: true });
  });
});

describe('shape arithmetic on sizes that requests choose', () => {
  it('becomes computations on sizes', async () => {
    // [b, t, 6] to [b * 2, t, 3] and back by halves, as exporters write it.
    const bytes = onnxModel({
      opset: 13,
      inputs: { x: ['float32', ['b', 't', 6]] },
      outputs: ['y', 'z'],
      initializers: {
        zero: Tensor.from('int64', [0]),
        one: Tensor.from('int64', [1]),
        two: Tensor.from('int64', [2]),
        three: Tensor.from('int64', [3]),
        all: Tensor.from('int64', [-1]),
      },
      nodes: [
        { op: 'Shape', inputs: ['x'], outputs: ['s'] },
        { op: 'Gather', inputs: ['s', 'zero'], outputs: ['b'] },
        { op: 'Slice', inputs: ['s', 'one', 'two'], outputs: ['t'] },
        { op: 'Mul', inputs: ['b', 'two'], outputs: ['bb'] },
        { op: 'Concat', inputs: ['bb', 't', 'three'], outputs: ['target'], attributes: { axis: 0 } },
        { op: 'Reshape', inputs: ['x', 'target'], outputs: ['y'] },
        { op: 'Div', inputs: ['t', 'two'], outputs: ['half'] },
        { op: 'Slice', inputs: ['x', 'zero', 'half', 'one'], outputs: ['front'] },
        { op: 'Equal', inputs: ['s', 's'], outputs: ['same'] },
        { op: 'Where', inputs: ['same', 's', 's'], outputs: ['again'] },
        { op: 'Expand', inputs: ['front', 'one'], outputs: ['z'] },
      ],
    });
    const module = await loadOnnx(bytes);
    for (const [b, t] of [
      [1, 2],
      [3, 5],
      [2, 8],
    ]) {
      const input = randomTensor([b, t, 6], b + t);
      const [y, z] = run(module, input);
      expect(y.shape).toEqual([b * 2, t, 3]);
      expect(y.data).toEqual(input.data);
      expect(z.shape).toEqual([b, Math.floor(t / 2), 6]);
      const rows = (sample: number) => [...input.data].slice(sample * t * 6, sample * t * 6 + z.shape[1] * 6);
      expect([...z.data]).toEqual(Array.from({ length: b }, (_, sample) => rows(sample)).flat());
    }
  });
});

describe('what exportOnnx writes comes back', () => {
  /** Reading and writing change no number; only the order of sums may differ. */
  const tolerance = 1e-5;

  async function expectSame(module: GraphModule, shape: readonly number[]): Promise<GraphModule> {
    const back = await loadOnnx(exportOnnx(module));
    for (const batch of [1, 3]) {
      const input = randomTensor([batch, ...shape], 7);
      const [expected] = run(module, input);
      const [actual] = run(back, input);
      expect(actual.shape).toEqual(expected.shape);
      const [a, b] = [actual.toArray(), expected.toArray()];
      const largest = b.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
      expect(largest).toBeGreaterThan(0);
      for (const [i, value] of a.entries())
        expect(Math.abs(value - b[i])).toBeLessThanOrEqual(tolerance * largest);
    }
    return back;
  }

  it.each(['tiny_cnn', 'glyph_resnet', 'glyph_mobilenet'])('the float model %s', async (name) => {
    const module = await loadPt2(`models/${name}.pt2`);
    const back = await expectSame(module, [3, 32, 32]);
    const kinds = (each: GraphModule) =>
      targets(each)
        .map((target) => target.replace(/_\./, '.').replace('relu6', 'hardtanh'))
        .sort();
    expect(kinds(back)).toEqual(kinds(module));
  });

  it.each(['mobilenet_v3_small', 'squeezenet1_1'])('the captured network %s', async (name) => {
    manualSeed(0);
    const example = { dtype: 'float32', shape: [2, 3, 64, 64] } as const;
    await expectSame(
      exportModel(referenceModels[name]().eval(), { x: example }, { dynamicBatch: true }),
      [3, 64, 64],
    );
  });

  it('a quantized model: the integers are the same', async () => {
    const module = await loadPt2('test/fixtures/pt2e/tiny_cnn/converted.pt2');
    const back = await loadOnnx(exportOnnx(module));
    const integers = (each: GraphModule) =>
      [...each.attributes.values()].filter(({ dtype }) => dtype === 'int8').map(({ data }) => [...data]);
    expect(integers(back)).toEqual(integers(module));
  });
});
