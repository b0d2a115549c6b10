import { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { operators } from '../../lib/aten/index.ts';
import { exportOnnx } from '../../lib/capture/onnx/exporter.ts';
import { Graph, GraphModule, Interpreter, SymInt } from '../../lib/graph/index.ts';
import { Tensor } from '../../lib/tensor/index.ts';

/** A graph of one input, `x` with a symbolic batch. */
function graphOf(
  shape: readonly number[],
  build: (graph: Graph, x: ReturnType<Graph['placeholder']>) => void,
) {
  const graph = new Graph();
  const x = graph.placeholder('x');
  x.meta.val = { dtype: 'float32', shape: [new SymInt(['s0']), ...shape] };
  build(graph, x);
  return new GraphModule(graph);
}

/** What ONNX Runtime computes for the written model. */
async function runOrt(module: GraphModule, input: Tensor): Promise<Tensor> {
  const session = await InferenceSession.create(exportOnnx(module));
  const name = session.inputNames[0];
  const feeds = { [name]: new OrtTensor('float32', input.data as Float32Array, input.shape) };
  const result = (await session.run(feeds))[session.outputNames[0]];
  await session.release();
  return new Tensor('float32', result.data as Float32Array, result.dims);
}

describe('exportOnnx', () => {
  it('writes a graph that ONNX Runtime runs at any batch size', async () => {
    const module = graphOf([3], (graph, x) => graph.output([graph.callFunction('aten.relu.default', [x])]));
    for (const batch of [1, 2]) {
      const input = Tensor.from(
        'float32',
        Array.from({ length: batch * 3 }, (_, i) => i - 2),
        [batch, 3],
      );
      const [expected] = new Interpreter(module, operators).run([input]);
      const actual = await runOrt(module, input);
      expect(actual.shape).toEqual([batch, 3]);
      expect(actual.toArray()).toEqual(expected.toArray());
    }
  });

  it('lists every operator it cannot write, with counts', () => {
    const module = graphOf([3], (graph, x) => {
      const a = graph.callFunction('aten.erfinv.default', [x]);
      const b = graph.callFunction('aten.erfinv.default', [a]);
      graph.output([graph.callFunction('onednn.qlinear_pointwise.default', [b])]);
    });
    expect(() => exportOnnx(module)).toThrow(
      /cannot be written as ONNX:\n {2}aten\.erfinv\.default: 2 .*\n {2}onednn\.qlinear_pointwise\.default: 1/,
    );
  });
});
