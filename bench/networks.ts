/**
 * `npm run bench`: Octavo in every precision that this CPU computes fast against ONNX Runtime in float32 and int8, on
 * networks for ImageNet, quantized statically, and on a transformer, quantized dynamically; both with seeded weights. Prints
 * a markdown table of medians and of ratios.
 *
 *     npm run bench -- --networks resnet18,mobilenet_v2 --threads 1,2 --batch 1,16 --rounds 15 [--quick] [--json]
 */
import { prepareChecked } from './agreement.ts';
import type { Entry } from './contestant.ts';
import { runNetworkRace } from './network-race.ts';
import { onnxRuntimeInt8 } from './onnxruntime-types.ts';
import { int8Ratios, octavoInt8 } from './precisions.ts';

await runNetworkRace({
  networks: [
    ...['resnet18', 'resnet50', 'mobilenet_v2', 'vgg16'],
    ...['densenet121', 'squeezenet1_1', 'efficientnet_b0', 'bert_base'],
  ],
  prepare: prepareChecked,
  async contestants(files, threads, inputShape) {
    const octavo = Object.entries(files.octavo).map(([name, file]): Entry => {
      return { name: `Octavo ${name}`, engine: 'octavo', file, threads };
    });
    const float: Entry = { name: 'ORT fp32', engine: 'onnxruntime', file: files.onnxFp32, threads };
    const { entry, types } = await onnxRuntimeInt8(files, threads, inputShape);
    return { entries: [...octavo, float, entry], notes: { 'ORT types': types } };
  },
  ratios(ms) {
    const best = Math.min(...octavoInt8(ms).map(([, time]) => time));
    return {
      'int8 over fp32': ms['Octavo fp32'] / ms['Octavo int8'],
      'fp32 over ORT fp32': ms['ORT fp32'] / ms['Octavo fp32'],
      ...int8Ratios(ms, 'ORT int8'),
      'best int8 over best ORT': Math.min(ms['ORT fp32'], ms['ORT int8']) / best,
    };
  },
});
