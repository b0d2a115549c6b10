// Loads a model with 64 MiB of weights, runs it and compiles it for another batch size; prints how much resident memory
// that took, in MiB, at the end and at most.
import { readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SymInt } from '../../../lib/graph/index.ts';
import { compile, loadModel } from '../../../lib/runtime/index.ts';
import { Tensor } from '../../../lib/tensor/index.ts';
import { GraphBuilder, uniform } from '../../support/graph-builder.ts';

const path = join(tmpdir(), `octavo-resident-${process.argv[2]}.octavo`);

/** In a process of its own: the memory it takes is not what is measured. */
async function write(): Promise<void> {
  const b = new GraphBuilder();
  let x = b.input('x', [new SymInt(['s0']), 1024]);
  for (let i = 0; i < 16; i++)
    x = b.call('aten.linear.default', x, b.constant(`w${i}`, uniform([1024, 1024], -0.1, 0.1, i)));
  using model = compile(b.finish(x));
  await model.save(path);
}

async function measure(): Promise<void> {
  const status = (field: string) =>
    Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(readFileSync('/proc/self/status', 'utf8'))![1]) /
    1024;
  const before = status('VmRSS');
  using model = await loadModel(path, { threadsPerStream: 2 });
  for (const batch of [1, 8]) await model.run(Tensor.zeros('float32', [batch, 1024]));
  console.log(JSON.stringify({ end: status('VmRSS') - before, most: status('VmHWM') - before }));
  await rm(path);
}

await (process.argv[3] === 'write' ? write() : measure());
