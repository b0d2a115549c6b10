/**
 * `npm run bench:onnx`: files that ONNX Runtime's quantizer wrote, run as they are by Octavo and by ONNX Runtime. Before
 * speeds are compared, so are results: on the glyphs' test images where a file takes these, else on seeded numbers.
 *
 *     npm run bench:onnx -- --networks folder/qdq_pt_u8s8.onnx,folder/qop_pc_s8s8.onnx --threads 1,2 --batch 1,16
 *
 * `bench/onnxruntime/quantize.py` makes such files.
 */
import { join } from 'node:path';
import { compile, loadOnnx, lower } from '../lib/index.ts';
import { runNetworkRace } from './network-race.ts';
import { agreementWithOnnxRuntime } from './onnx-agreement.ts';

await runNetworkRace({
  networks: [],
  async prepare(file, _, folder) {
    const { module, report } = lower(await loadOnnx(file));
    using model = compile(module);
    const octavo = join(folder, 'model.octavo');
    await model.save(octavo);
    console.error(`${file}: ${await agreementWithOnnxRuntime(model, file)}`);
    for (const { node, reason } of report.refusals) console.error(`in float: ${node}: ${reason}`);
    const [{ shape }] = model.inputs;
    return { inputShape: shape.slice(1).map(Number), octavo, onnx: file };
  },
  contestants: ({ octavo, onnx }, threads) => ({
    entries: [
      { name: 'Octavo', engine: 'octavo', file: octavo, threads },
      { name: 'ORT', engine: 'onnxruntime', file: onnx, threads },
    ],
  }),
  ratios: (ms) => ({ 'Octavo over ORT': ms.ORT / ms.Octavo }),
});
