import { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node';
import { loadModel, Tensor } from '../lib/index.ts';
import { answerMessages } from './asked-process.ts';
import type { Engine, Entry, Request } from './contestant.ts';
import { type LoadResult, offerLoad } from './offered-load.ts';
import { pseudoRandom } from './pseudo-random.ts';

/** The process behind a Contestant: loads one model, then runs it on one input as often as it is asked to. */

type Run = () => Promise<unknown>;

async function loadOctavo(
  { file, threads, streams = 1, maxBatchSize }: Entry,
  shape: readonly number[],
  data: Float32Array,
): Promise<Run> {
  const batching = maxBatchSize === undefined ? {} : { batching: { maxBatchSize } };
  const model = await loadModel(file, { streams, threadsPerStream: threads, ...batching });
  const x = new Tensor('float32', data, shape);
  await model.warmup(shape);
  return () => model.run(x);
}

/**
 * One pool of `threads` threads and every graph optimization: ONNX Runtime's own advice for latency. Without its arena,
 * its memory pattern or spinning threads it is no faster on these networks.
 */
async function loadOnnxRuntime(
  { file, threads }: Entry,
  shape: readonly number[],
  data: Float32Array,
): Promise<Run> {
  const session = await InferenceSession.create(file, {
    executionProviders: ['cpu'],
    executionMode: 'sequential',
    graphOptimizationLevel: 'all',
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
  });
  const feeds = { [session.inputNames[0]]: new OrtTensor('float32', data, shape) };
  return () => session.run(feeds);
}

const loaders: Readonly<Partial<Record<Engine, typeof loadOctavo>>> = {
  octavo: loadOctavo,
  onnxruntime: loadOnnxRuntime,
};
let run: Run | undefined;

async function answer(request: Request): Promise<undefined | readonly number[] | LoadResult> {
  if (request.kind === 'load') {
    const { entry, inputShape } = request;
    const data = pseudoRandom(
      inputShape.reduce((a, b) => a * b, 1),
      1,
    );
    run = await loaders[entry.engine]!(entry, inputShape, data);
    return undefined;
  }
  if (request.kind === 'serve') return offerLoad(run!, request.inFlight, request.milliseconds);
  const milliseconds: number[] = [];
  for (let i = 0; i < request.times; i++) {
    const start = performance.now();
    await run!();
    milliseconds.push(performance.now() - start);
  }
  return milliseconds;
}

answerMessages(answer);
