/**
 * The process behind FreshProcess: loads one model and serves requests of one image. Plain JavaScript over `dist/`, as a
 * service would have it: a loader of TypeScript would take memory and time of its own.
 *
 * It reports after every stage, with the milliseconds since the process was started, and goes on when it is told to.
 */
import { once } from 'node:events';

const [engine, file, threads] = process.argv.slice(2);
const shape = [1, 3, 224, 224];
const image = () => new Float32Array(shape.reduce((a, b) => a * b, 1));

async function report(stage) {
  process.send({ stage, milliseconds: performance.now() });
  await once(process, 'message');
}

/** Each gives a function that serves one request. */
const engines = {
  async node() {
    await report('import');
    return async () => {};
  },
  async octavo() {
    const { loadModel } = await import('../dist/runtime/index.js');
    await report('import');
    const model = await loadModel(file, { threadsPerStream: Number(threads) });
    const x = { type: 'float32', data: image(), dims: shape };
    return () => model.run(x);
  },
  /** A float model from another tool's file, compiled for these requests. */
  async 'octavo from source'() {
    const { loadPt2, loadOnnx, lower, compile } = await import('../dist/index.js');
    await report('import');
    const captured = await (file.endsWith('.pt2') ? loadPt2(file) : loadOnnx(file));
    const model = compile(lower(captured).module, { threadsPerStream: Number(threads) });
    await model.warmup(shape);
    const x = { type: 'float32', data: image(), dims: shape };
    return () => model.run(x);
  },
  async onnxruntime() {
    const { default: ort } = await import('onnxruntime-node');
    await report('import');
    const session = await ort.InferenceSession.create(file, {
      executionProviders: ['cpu'],
      graphOptimizationLevel: 'all',
      intraOpNumThreads: Number(threads),
      interOpNumThreads: 1,
    });
    const x = new ort.Tensor('float32', image(), shape);
    return () => session.run({ [session.inputNames[0]]: x });
  },
};

const run = await engines[engine]();
await report('load');
await run();
await report('first result');
for (let i = 0; i < 30; i++) await run();
await report('30 results');
process.disconnect();
