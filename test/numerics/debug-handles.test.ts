import { describe, expect, it } from 'vitest';
import { deserializeGraph, type GraphModule, serializeGraph } from '../../lib/graph/index.ts';
import { exportModel } from '../../lib/index.ts';
import { lower } from '../../lib/lowering/index.ts';
import { compareResults, generateNumericDebugHandle } from '../../lib/numerics/index.ts';
import {
  calibrate,
  convertPt2e,
  getDefaultX86QuantizationConfig,
  moveExportedModelToEval,
  prepareQatPt2e,
  X86Quantizer,
} from '../../lib/quantization/index.ts';
import { TinyCNN } from '../models/tiny-cnn.ts';
import { uniform } from '../support/graph-builder.ts';
import { logged, stagesWithHandles } from '../support/numerics.ts';

const handlesOf = ({ graph }: GraphModule) =>
  graph.nodes.flatMap(({ name, meta }) => (meta.numericDebugHandle ? [[name, meta.numericDebugHandle]] : []));

describe('numeric debug handles', () => {
  it('stay when they are there, and go on from the largest', async () => {
    const { captured } = await stagesWithHandles('tiny_cnn');
    const copy = captured.clone();
    expect(handlesOf(copy)).toEqual(handlesOf(captured));
    const [conv, norm, relu] = copy.graph.nodes.filter(({ op }) => op === 'call_function');
    for (const node of [conv, relu]) delete node.meta.numericDebugHandle;
    generateNumericDebugHandle(copy);
    expect([conv, norm, relu].map(({ meta }) => meta.numericDebugHandle?.handle)).toEqual([15, 2, 16]);
    expect(handlesOf(captured)[0]).toEqual(['conv2d', { handle: 1 }]);
  });

  it('are saved with the graph, and so is what integers mean', async () => {
    const lowered = lower((await stagesWithHandles('tiny_cnn')).converted).module;
    const read = lowered.clone();
    read.graph = deserializeGraph(JSON.parse(JSON.stringify(serializeGraph(lowered.graph))));
    expect(handlesOf(read)).toEqual(handlesOf(lowered));
    expect(handlesOf(read).some(([, handle]) => typeof handle === 'object' && handle.qparams)).toBe(true);
  });

  it.each([[[1.5]], [[1, 2]], [[1, 2, 3, 4]], [['1']], [7], [[]]])(
    '%j in a file is refused',
    async (value) => {
      const json = JSON.parse(
        JSON.stringify(serializeGraph((await stagesWithHandles('tiny_cnn')).captured.graph)),
      );
      json.nodes.at(-2).numericDebugHandle = value;
      expect(() => deserializeGraph(json)).toThrow("numericDebugHandle of node 'linear' must be");
    },
  );

  it('mean the same values when a model is prepared for training, trained and converted', async () => {
    const input = uniform([4, 3, 16, 16], -1, 1, 1);
    const captured = exportModel(new TinyCNN().train(), { x: input });
    generateNumericDebugHandle(captured);
    const quantizer = new X86Quantizer().setGlobal(getDefaultX86QuantizationConfig({ isQat: true }));
    const prepared = moveExportedModelToEval(prepareQatPt2e(captured, quantizer));
    moveExportedModelToEval(captured);
    await calibrate(prepared, [input]);
    const reference = logged(captured, input);
    for (const stage of [prepared, convertPt2e(prepared), lower(convertPt2e(prepared)).module]) {
      const summaries = compareResults(reference, logged(stage, input));
      // Lowered, there are four layers, two poolings and a view.
      expect(summaries.size).toBeGreaterThanOrEqual(7);
      // A value of another place would be no better than noise: 0 dB.
      for (const { results, refNodeName } of summaries.values())
        expect(results[0].sqnr, refNodeName).toBeGreaterThan(20);
    }
    const convolutions = [...compareResults(reference, logged(prepared, input)).values()].filter(
      ({ refNodeName }) => refNodeName.startsWith('conv2d'),
    );
    expect(convolutions).toHaveLength(3);
  });
});
