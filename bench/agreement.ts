import { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node';
import { loadModel, Tensor } from '../lib/index.ts';
import { imageShape, type NetworkFiles } from './prepare.ts';
import { pseudoRandom } from './pseudo-random.ts';

/** How far outputs may be from each other, in decibels of signal over difference. */
const floatDecibels = 80;
const int8Decibels = 10;

/**
 * Makes sure that all forms of a network compute the same, before their speeds are compared.
 * @returns a line that says how well they agree.
 * @throws Error when they do not.
 */
export async function checkAgreement(name: string, files: NetworkFiles): Promise<string> {
  const shape = [1, ...imageShape];
  const data = pseudoRandom(
    shape.reduce((a, b) => a * b, 1),
    99,
  );
  const reference = await runOctavo(files.octavoFp32, data, shape);
  const agreement = {
    'ONNX Runtime fp32': decibels(reference, await runOnnxRuntime(files.onnxFp32, data, shape)),
    'Octavo int8': decibels(reference, await runOctavo(files.octavoInt8, data, shape)),
    'ONNX Runtime int8': decibels(reference, await runOnnxRuntime(files.onnxInt8, data, shape)),
  };
  for (const [form, value] of Object.entries(agreement))
    if (value < (form.endsWith('fp32') ? floatDecibels : int8Decibels))
      throw new Error(`${name}: ${form} agrees with Octavo fp32 to ${value.toFixed(1)} dB only`);
  const list = Object.entries(agreement).map(([form, value]) => `${form} ${value.toFixed(1)} dB`);
  return `${name}: outputs agree with Octavo fp32 to: ${list.join(', ')}`;
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
