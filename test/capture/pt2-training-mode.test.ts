import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { operators } from '../../lib/aten/index.ts';
import { loadPt2 } from '../../lib/capture/index.ts';
import { type GraphModule, Interpreter } from '../../lib/graph/index.ts';
import { quantizeStatic } from '../../lib/recipes/index.ts';
import { unzip, zip } from '../support/archives.ts';
import { glyphBatch } from '../support/pt2e-goldens.ts';
import { withRaw } from '../support/raw-archives.ts';

const flat = () => loadPt2('models/glyph_mobilenet.pt2');

/**
 * What PyTorch 2.14 exports of the network in training mode: batch norms by the batch's statistics, dropout, and counters.
 * Its weights are those of `models/glyph_mobilenet.pt2`, so the fixture is without them.
 */
async function exportedInTraining(): Promise<GraphModule> {
  const entries = await unzip(readFileSync('test/fixtures/pt2/glyph_mobilenet.train.pt2'));
  const { attributes } = await flat();
  const [config] = [...entries.keys()].filter((name) => name.endsWith('/model_weights_config.json'));
  const folder = config.slice(0, config.lastIndexOf('/') + 1);
  const payloads = JSON.parse(new TextDecoder().decode(entries.get(config)));
  for (const [name, { path_name: entry }] of Object.entries<{ path_name: string }>(payloads.config))
    entries.set(`${folder}${entry}`, attributes.get(name)!.bytes());
  return loadPt2(await zip(entries));
}

describe('a program that was exported in training mode', () => {
  it('is that of evaluation mode: the same calls with the same results, in float and quantized', async () => {
    const [training, evaluation] = [await exportedInTraining(), await flat()];
    const calls = ({ graph }: GraphModule) =>
      graph.nodes.filter(({ op }) => op === 'call_function').map(({ target }) => target);
    // Dropout is in neither: the network has none.
    expect(calls(training)).toEqual(calls(evaluation));
    const x = await glyphBatch('test.npz', 0, 32);
    const float = (module: GraphModule) => new Interpreter(module, operators).run([x])[0].toArray();
    // Same kernels on the same numbers.
    expect(float(training)).toEqual(float(evaluation));
    const quantized = async (module: GraphModule) => {
      using model = await quantizeStatic(module, [await glyphBatch('calib.npz', 0, 64)], { strict: true });
      return Object.values(await model.run(x))[0].toArray();
    };
    expect(await quantized(training)).toEqual(await quantized(evaluation));
  });

  it('passes everything through its dropouts', async () => {
    const withDropout = await withRaw(({ program }) => {
      const { graph } = program.graph_module;
      const [linear] = graph.nodes;
      const argument = (name: string, arg: object) => ({ name, arg, kind: 1 });
      graph.nodes.splice(1, 0, {
        ...linear,
        target: 'torch.ops.aten.dropout.default',
        name: 'dropout',
        inputs: [
          argument('input', { as_tensor: { name: 'linear' } }),
          argument('p', { as_float: 0.5 }),
          argument('train', { as_bool: true }),
        ],
        outputs: [{ as_tensor: { name: 'dropout' } }],
      });
      graph.tensor_values.dropout = graph.tensor_values.linear;
      graph.nodes[2].inputs[0].arg = { as_tensor: { name: 'dropout' } };
    });
    const run = (module: GraphModule) =>
      new Interpreter(module, operators).run(module.meta.exampleInputs!)[0].toArray();
    const plain = await loadPt2(await withRaw(() => {}));
    const module = await loadPt2(withDropout);
    expect(module.graph.nodes.map(({ target }) => target)).toContain('aten.dropout.default');
    expect(run(module)).toEqual(run(plain));
  });

  it('but an addition to another buffer is refused as before', async () => {
    const writing = withRaw(({ program }) => {
      const { graph } = program.graph_module;
      const argument = (name: string, arg: object) => ({ name, arg, kind: 1 });
      graph.nodes.unshift({
        ...graph.nodes[0],
        target: 'torch.ops.aten.add_.Tensor',
        name: 'add_',
        inputs: [argument('self', { as_tensor: { name: 'p_fc_bias' } }), argument('other', { as_int: 1 })],
        outputs: [{ as_tensor: { name: 'add_' } }],
      });
      graph.tensor_values.add_ = graph.tensor_values.p_fc_bias;
    });
    await expect(loadPt2(await writing)).rejects.toThrow("writes the parameter or buffer 'fc.bias'");
  });
});
