import { describe, expect, it } from 'vitest';
import { operators } from '../../lib/aten/index.ts';
import { exportOnnx, loadOnnx, loadPt2 } from '../../lib/capture/index.ts';
import { type GraphModule, Interpreter, inputsOf, outputsOf, SymInt } from '../../lib/graph/index.ts';
import { Tensor } from '../../lib/tensor/index.ts';
import { GraphBuilder } from '../support/graph-builder.ts';
import { graphDifference } from '../support/same-graph.ts';

const opsets = [13, 21] as const;

const files = [
  'dynamo_20/bert',
  'dynamo_20/encoder',
  'quantized/bert_static.dyn_s8',
  'quantized/bert_static.qop_u8s8_pc',
  'torchscript_17/bert',
  'torchscript_17/lstm',
];

describe.each(opsets)('loadOnnx, exportOnnx and loadOnnx again, operator set %i', (opset) => {
  it.each(files)('%s is the same graph', async (name) => {
    const module = await loadOnnx(`test/fixtures/onnx/${name}.onnx`);
    const back = await loadOnnx(exportOnnx(module, { opset }));
    expect(graphDifference(module, back)).toBeUndefined();
  });

  it.each(['float', 'converted'])(
    'a network of PyTorch (%s) is the same graph from the first reading on',
    async (kind) => {
      const path =
        kind === 'float' ? 'models/glyph_mobilenet.pt2' : 'test/fixtures/pt2e/tiny_cnn/converted.pt2';
      const module = await loadOnnx(exportOnnx(await loadPt2(path), { opset }));
      const back = await loadOnnx(exportOnnx(module, { opset }));
      expect(graphDifference(module, back)).toBeUndefined();
    },
  );
});

/** `[batch, time, 6]` by operators on its sizes. */
function ofSizes(): GraphModule {
  const b = new GraphBuilder();
  const [batch, time] = ['b', 't'].map((name) => new SymInt([name]));
  const x = b.input('x', [batch, time, 6]);
  const extent = (axis: number) => b.call('aten.sym_size.int', x, axis);
  const half = b.call('operator.floordiv', extent(1), 2);
  const apart = b.call('aten.view.default', x, [b.call('operator.mul', extent(0), 2), extent(1), 3]);
  const first = b.call('aten.slice.Tensor', x, 1, 0, half);
  const wide = b.call('aten.expand.default', b.call('aten.unsqueeze.default', x, 0), [extent(0), -1, -1, -1]);
  const count = b.call('aten.arange.default', extent(1));
  return b.finish(apart, first, wide, count);
}

describe('exportOnnx', () => {
  it.each(opsets)('computes sizes that requests choose, operator set %i', async (opset) => {
    const module = ofSizes();
    const back = await loadOnnx(exportOnnx(module, { opset }));
    for (const [b, t] of [
      [2, 5],
      [3, 8],
    ]) {
      const x = Tensor.from(
        'float32',
        Array.from({ length: b * t * 6 }, (_, i) => i),
        [b, t, 6],
      );
      const [expected, actual] = [module, back].map((each) => new Interpreter(each, operators).run([x]));
      expect(actual.map(({ shape }) => shape)).toEqual([
        [2 * b, t, 3],
        [b, Math.floor(t / 2), 6],
        [b, b, t, 6],
        [t],
      ]);
      expect(actual.map(({ data }) => [...data])).toEqual(expected.map(({ data }) => [...data]));
    }
  });

  it('keeps the names of inputs and outputs, whatever the nodes are called', async () => {
    const b = new GraphBuilder();
    const x = b.graph.placeholder('in.1');
    x.meta.val = { dtype: 'float32', shape: [3] };
    const relu = b.call('aten.relu.default', x);
    const other = b.call('aten.neg.default', relu);
    // An output that is called like another node, an input, one of two names, and a constant.
    b.graph.output(
      [other, x, relu, relu, b.parameter('w', [2])],
      [relu.name, 'same', 'a/b', 'again', 'constant'],
    );
    const back = await loadOnnx(exportOnnx(b.module));
    expect(inputsOf(back).map(({ name }) => name)).toEqual(['in.1']);
    const metas = new Map(back.graph.nodes.map((node) => [node, node.meta.val]));
    expect(outputsOf(back, metas).map(({ name }) => name)).toEqual([
      relu.name,
      'same',
      'a/b',
      'again',
      'constant',
    ]);
    const results = new Interpreter(back, operators).run([Tensor.from('float32', [-1, 0, 2])]);
    expect(results.slice(0, 4).map(({ data }) => [...data])).toEqual([
      [0, 0, -2],
      [-1, 0, 2],
      [0, 0, 2],
      [0, 0, 2],
    ]);
  });

  it('refuses operator sets that it does not write, and options that it does not have', () => {
    const module = ofSizes();
    expect(() => exportOnnx(module, { opset: 17 as 21 })).toThrow(/'opset' must be 13 or 21, got 17/);
    expect(() => exportOnnx(module, { opsets: 21 } as object)).toThrow(
      /unknown option "opsets"; did you mean "opset"/,
    );
  });

  it('names the node, the operator and what ONNX does not have', () => {
    const b = new GraphBuilder();
    const x = b.input('x', [4, 2, 3]);
    const weights = [
      b.parameter('ih', [20, 3]),
      b.parameter('hh', [20, 4]),
      null,
      null,
      b.parameter('hr', [4, 5]),
    ];
    const lstm = b.call('octavo.lstm_layer.default', x, ...weights, null, null, null, false, false);
    const module = b.finish(b.call('operator.getitem', lstm, 0));
    expect(() => exportOnnx(module)).toThrow(
      /node 'lstm_layer_default' \(octavo\.lstm_layer\.default\) cannot be written as ONNX: ONNX has no LSTM whose state is projected/,
    );
  });
});
