import { compile, exportModel, exportOnnx, lower, Tensor } from 'octavo';
import { manualSeed } from 'octavo/nn';
import { VoiceDetector } from './detector.ts';
import { CONTEXT, FRAME } from './frames.ts';
import { hidden, VoiceActivity } from './network.ts';
import { labelsOf, makeRecording } from './recordings.ts';

const example = {
  input: Tensor.zeros('float32', [1, CONTEXT + FRAME]),
  state: Tensor.zeros('float32', [2, 1, hidden]),
};

/**
 * A small network that has learned to tell made-up voices from noise, as an ONNX file's bytes. Only its last layer learns: the
 * LSTM keeps the weights that it was drawn with, and what it remembers tells voice from noise by a sum with weights, which
 * least squares find (an echo state network).
 */
export async function trainedNetwork(): Promise<Uint8Array> {
  manualSeed(5);
  const network = new VoiceActivity().eval();
  using model = compile(lower(exportModel(network, example)).module, { threadsPerStream: 1 });
  const rows: number[][] = [];
  const wanted: number[] = [];
  for (let seed = 1; seed <= 8; seed++) {
    const recording = makeRecording(seed, 6, [0.001, 0.004, 0.01][seed % 3]);
    const detector = new VoiceDetector(model);
    for (const [i, isSpeech] of labelsOf(recording).entries()) {
      await detector.next(recording.samples.subarray(i * FRAME, (i + 1) * FRAME));
      rows.push([...detector.state.subarray(0, hidden), 1]);
      wanted.push(isSpeech ? 1 : -1);
    }
  }
  const weights = leastSquares(rows, wanted, 1e-3 * rows.length);
  // Halfway between the two, 0, is a probability of 1/2; 1 and -1 are near 1 and 0.
  const steep = weights.map((weight) => 4 * weight);
  network.output.weight.tensor = Tensor.from('float32', steep.slice(0, hidden), [1, hidden]);
  network.output.bias!.tensor = Tensor.from('float32', steep.slice(hidden), [1]);
  return exportOnnx(exportModel(network, example));
}

/** Weights of columns whose sums come nearest to what is wanted, while the weights stay small (ridge regression). */
function leastSquares(rows: readonly number[][], wanted: readonly number[], ridge: number): number[] {
  const size = rows[0].length;
  // The normal equations, [size][size + 1].
  const equations = Array.from({ length: size }, (_, i) =>
    Array.from({ length: size + 1 }, (_, j) =>
      rows.reduce(
        (sum, row, k) => sum + row[i] * (j < size ? row[j] : wanted[k]),
        i === j ? ridge * 1e-3 : 0,
      ),
    ),
  );
  for (let pivot = 0; pivot < size; pivot++)
    for (let i = 0; i < size; i++) {
      if (i === pivot) continue;
      const factor = equations[i][pivot] / equations[pivot][pivot];
      for (let j = pivot; j <= size; j++) equations[i][j] -= factor * equations[pivot][j];
    }
  return equations.map((equation, i) => equation[size] / equation[i]);
}
