import type { CompiledModel } from '../../lib/runtime/index.ts';
import { Tensor } from '../../lib/tensor/index.ts';
import { uniform } from './graph-builder.ts';

/** Starts a request of {@link earlyAndLate} that runs for a while, and waits until it has surely started. */
export async function runningRequest(model: CompiledModel, signal?: AbortSignal) {
  const x = uniform([16, 16, 64, 64], -1, 1, 16);
  await model.warmup(x.shape);
  const [early, late] = [1, 2].map(() => new Tensor('float32', new Float32Array(x.numel).fill(NaN), x.shape));
  const done = model.run(x, { outputs: [early, late], ...(signal ? { signal } : {}) });
  while (Number.isNaN(early.data[0])) await new Promise((resolve) => setTimeout(resolve, 1));
  return { done, late };
}
