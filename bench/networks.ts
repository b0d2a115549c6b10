/**
 * `npm run bench`: Octavo in every precision that this CPU computes fast against ONNX Runtime in float32 and int8, on
 * networks for ImageNet, quantized statically, and on a transformer and recurrent networks, quantized dynamically; all with
 * seeded weights. Prints a markdown table of medians and of ratios. ONNX Runtime's int8 LSTM is what its own quantizer, in
 * Python, makes of the network; of a GRU it makes nothing, and Octavo's int8 is compared with its float32.
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
    ...['densenet121', 'squeezenet1_1', 'efficientnet_b0', 'bert_base', 'distilbert'],
    ...['lstm_2x512', 'gru_1x256'],
  ],
  prepare: prepareChecked,
  async contestants(files, threads, inputShape) {
    const octavo = Object.entries(files.octavo).map(([name, file]): Entry => {
      return { name: `Octavo ${name}`, engine: 'octavo', file, threads };
    });
    const float: Entry = { name: 'ORT fp32', engine: 'onnxruntime', file: files.onnxFp32, threads };
    const hasIntegers = Object.keys(files.onnxInt8).length > 0;
    const integers = hasIntegers ? await onnxRuntimeInt8(files, threads, inputShape) : undefined;
    const entries = [...octavo, float, ...(integers ? [integers.entry] : [])];
    return { entries, notes: { 'ORT types': integers?.types ?? 'fp32 alone' } };
  },
  ratios(ms) {
    const best = Math.min(...octavoInt8(ms).map(([, time]) => time));
    const integers = ms['ORT int8'] ?? Number.POSITIVE_INFINITY;
    return {
      'int8 over fp32': ms['Octavo fp32'] / ms['Octavo int8'],
      'fp32 over ORT fp32': ms['ORT fp32'] / ms['Octavo fp32'],
      ...('ORT int8' in ms ? int8Ratios(ms, 'ORT int8') : {}),
      'best int8 over best ORT': Math.min(ms['ORT fp32'], integers) / best,
    };
  },
});
