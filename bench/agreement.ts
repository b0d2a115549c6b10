import { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node';
import { loadModel, Tensor } from '../lib/index.ts';
import type { Precision } from './precisions.ts';
import { type NetworkFiles, prepareNetwork } from './prepare.ts';
import { pseudoRandom } from './pseudo-random.ts';

/**
 * How close outputs must be to each other, in decibels of signal over difference: float32 rounds differently in every
 * order of adding, bfloat16 keeps 8 bits of each value, and 8-bit integers of random networks lose the most.
 */
const requiredDecibels = { fp32: 80, bf16: 20, int8: 15 };

/** Writes a network for Octavo and for ONNX Runtime, and makes sure that both compute the same. */
export async function prepareChecked(
  network: string,
  precisions: readonly Precision[],
  folder: string,
): Promise<NetworkFiles> {
  const files = await prepareNetwork(network, precisions, folder);
  console.error(await checkAgreement(network, files));
  return files;
}

/**
 * Makes sure that all forms of a network compute the same, before their speeds are compared.
 * @returns a line that says how well they agree.
 * @throws Error when they do not, or when the network gives next to nothing.
 */
async function checkAgreement(name: string, files: NetworkFiles): Promise<string> {
  const shape = [1, ...files.inputShape];
  const numel = shape.reduce((a, b) => a * b, 1);
  const data = pseudoRandom(numel, 99);
  const reference = await runOctavo(files.octavo.fp32, data, shape);
  if (!(Math.max(...reference.map(Math.abs)) > 1e-3))
    throw new Error(`${name} gives zeros: there is nothing to compare`);
  const agreement: Record<string, number> = {};
  for (const [precision, file] of Object.entries(files.octavo))
    if (precision !== 'fp32')
      agreement[`Octavo ${precision}`] = decibels(reference, await runOctavo(file, data, shape));
  agreement['ONNX Runtime fp32'] = decibels(reference, await runOnnxRuntime(files.onnxFp32, data, shape));
  for (const [types, file] of Object.entries(files.onnxInt8))
    agreement[`ONNX Runtime int8 ${types}`] = decibels(reference, await runOnnxRuntime(file, data, shape));
  const list = Object.entries(agreement).map(([form, value]) => `${form} ${value.toFixed(1)} dB`);
  const line = `${name}: outputs agree with Octavo fp32 to: ${list.join(', ')}`;
  for (const [form, value] of Object.entries(agreement)) {
    const [, precision] = /\b(fp32|int8|bf16)/.exec(form)!;
    const required = requiredDecibels[precision as keyof typeof requiredDecibels];
    if (!(value >= required)) throw new Error(`${line}; ${form} must reach ${required} dB`);
  }
  return line;
}

async function runOctavo(file: string, data: Float32Array, shape: readonly number[]): Promise<Float32Array> {
  using model = await loadModel(file);
  const [output] = Object.values(await model.run(new Tensor('float32', data, shape)));
  return output.data as Float32Array;
}

async function runOnnxRuntime(
  file: string,
  data: Float32Array,
  shape: readonly number[],
): Promise<Float32Array> {
  const session = await InferenceSession.create(file);
  const outputs = await session.run({ [session.inputNames[0]]: new OrtTensor('float32', data, shape) });
  await session.release();
  return outputs[session.outputNames[0]].data as Float32Array;
}

/** Signal to noise ratio of `actual` against `reference`. */
function decibels(reference: Float32Array, actual: Float32Array): number {
  let [signal, noise] = [0, 0];
  for (const [i, value] of reference.entries()) {
    signal += value ** 2;
    noise += (value - actual[i]) ** 2;
  }
  return 10 * Math.log10(signal / noise);
}
