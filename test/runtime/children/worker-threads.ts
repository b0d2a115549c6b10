// Serves models in worker threads that end by themselves, by process.exit(), and by being terminated mid-run.
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { compile } from '../../../lib/runtime/index.ts';
import { Tensor } from '../../../lib/tensor/index.ts';
import { convNet, slowNet } from '../../support/models.ts';

const x = new Tensor('float32', new Float32Array(2 * 16 * 64 * 64).fill(0.5), [2, 16, 64, 64]);
const compiled = () => compile(slowNet(), { streams: 1, threadsPerStream: 2 });

// Worker threads do not inherit the loader that lets Node read TypeScript.
const url = JSON.stringify(import.meta.url);
const start = `import('tsx/esm/api').then(({ tsImport }) => tsImport(${url}, ${url}))`;

async function serve(): Promise<void> {
  const model = compiled();
  const { tanh_default_59: y } = await model.run(x);
  parentPort?.postMessage(y.data[0]);
  if (workerData === 'ends') return model.dispose();
  if (workerData === 'terminated between short requests') {
    const short = compile(convNet(), { threadsPerStream: 1 });
    for (;;) await short.run(Tensor.zeros('float32', [1, 3, 8, 8]));
  }
  for (let i = 0; i < 20; i++) void model.run(x);
  if (workerData === 'terminated while it compiles')
    for (const batch of [3, 4, 5]) void model.run(Tensor.zeros('float32', [batch, 16, 64, 64]));
  await new Promise((resolve) => setTimeout(resolve, 5));
  if (workerData === 'exits') process.exit(0);
}

const modes = [
  ...['ends', 'exits', 'terminated'],
  ...['terminated while it compiles', 'terminated between short requests'],
];

async function main(): Promise<void> {
  const model = compiled();
  const results: unknown[] = [];
  for (let round = 0; round < 2; round++)
    await Promise.all(
      modes.map(async (mode) => {
        const worker = new Worker(start, { eval: true, workerData: mode });
        const exited = new Promise((resolve, reject) => worker.once('exit', resolve).once('error', reject));
        results.push(await new Promise((resolve) => worker.once('message', resolve)));
        if (mode.startsWith('terminated')) await worker.terminate();
        await exited;
        // The models of other threads go on.
        await model.run(x);
      }),
    );
  console.log(JSON.stringify(results));
}

await (isMainThread ? main() : serve());
