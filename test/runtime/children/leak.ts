// Loads, runs and disposes of a model again and again; prints the resident memory after each round.
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { compile, loadModel } from '../../../lib/runtime/index.ts';
import { Tensor } from '../../../lib/tensor/index.ts';
import { GraphBuilder, uniform } from '../../support/graph-builder.ts';

const b = new GraphBuilder();
const x = b.input('x', [4, 512]);
// 8 MiB of weights, and as much packed.
const module = b.finish(
  b.call(
    'aten.linear.default',
    b.call('aten.linear.default', x, b.constant('w', uniform([2048, 512], -1, 1, 1))),
    b.constant('v', uniform([512, 2048], -1, 1, 2)),
  ),
);
const path = join(tmpdir(), `octavo-leak-${process.pid}.octavo`);
const first = compile(module);
await first.save(path);
first.dispose();
const rounds: number[] = [];
const input = Tensor.zeros('float32', [4, 512]);
for (let i = 0; i < 60; i++) {
  const model = await loadModel(path, { streams: 2, threadsPerStream: 2 });
  await Promise.all([model.run(input), model.run(input), model.run(input)]);
  model.dispose();
  globalThis.gc?.();
  await new Promise((resolve) => setTimeout(resolve, 5));
  rounds.push(process.memoryUsage.rss() / 2 ** 20);
}
console.log(JSON.stringify(rounds));
await (await import('node:fs/promises')).rm(path);
