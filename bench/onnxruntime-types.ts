import type { Entry } from './contestant.ts';
import { race } from './harness.ts';

/**
 * The element types with which ONNX Runtime runs a quantized network fastest on this CPU, by a short race: which of its
 * kernels are good depends on the processor, and we compare against its best.
 * @param files the same network by its types: `u8s8`.
 */
export async function fastestTypes(
  files: Readonly<Record<string, string>>,
  threads: number,
  inputShape: readonly number[],
): Promise<string> {
  const entries = Object.entries(files).map(([name, file]): Entry => {
    return { name, engine: 'onnxruntime', file, threads };
  });
  const { timings } = await race(entries, inputShape, { rounds: 5, turnMilliseconds: 50, heatSeconds: 0 });
  return timings.reduce((best, timing) => (timing.medianMs < best.medianMs ? timing : best)).entry.name;
}
