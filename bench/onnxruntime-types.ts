import type { Entry } from './contestant.ts';
import { race } from './harness.ts';
import type { NetworkFiles } from './prepare.ts';

/**
 * ONNX Runtime's int8 with the element types that it runs the network with fastest on this CPU, found by a short race:
 * which of its kernels are good depends on the processor, and we compare against its best.
 * @returns its entry, and the types as `u8s8`: activations, then weights.
 */
export async function onnxRuntimeInt8(
  files: NetworkFiles,
  threads: number,
  inputShape: readonly number[],
): Promise<{ readonly entry: Entry; readonly types: string }> {
  const entries = Object.entries(files.onnxInt8).map(([name, file]): Entry => {
    return { name, engine: 'onnxruntime', file, threads };
  });
  const { timings } = await race(entries, inputShape, { rounds: 5, turnMilliseconds: 50, heatSeconds: 0 });
  const { entry } = timings.reduce((best, timing) => (timing.medianMs < best.medianMs ? timing : best));
  return { entry: { ...entry, name: 'ORT int8' }, types: entry.name };
}
