// Looks rows up while another thread writes to the indices: turns that were refused and those that were not, or a crash.
import { Worker } from 'node:worker_threads';
import { GET_ITEM, type TensorMeta } from '../../../lib/graph/index.ts';
import { compile } from '../../../lib/runtime/index.ts';
import { Tensor } from '../../../lib/tensor/index.ts';
import { GraphBuilder } from '../../support/graph-builder.ts';

const count = 50_000;
const shared = new BigInt64Array(new SharedArrayBuffer(8 * count));
const indices = new Tensor('int64', shared, [count]);
const offsets = Tensor.from('int64', [0, count / 2]);

function modelOf(target: string, inputs: Record<string, TensorMeta['shape']>, ...rest: readonly unknown[]) {
  const b = new GraphBuilder();
  const table = b.constant('table', Tensor.zeros('float32', [4, 8]));
  const nodes = Object.entries(inputs).map(([name, shape]) => b.input(name, shape, 'int64'));
  const result = b.call(target, table, ...nodes, ...(rest as []));
  const rows = rest.length > 0 ? b.call(GET_ITEM, result, 0) : result;
  return compile(b.finish(rows), { threadsPerStream: 2 });
}

// Far outside of the table at times, now this index, now that.
const writer = new Worker(
  `const indices = require('node:worker_threads').workerData;
  for (let i = 0; ; i = (i + 7919) % indices.length) {
    indices[i] = 1n << 40n;
    indices[i] = 0n;
  }`,
  { eval: true, workerData: shared },
);
await new Promise((resolve) => writer.once('online', resolve));
const turns = { refused: 0, served: 0 };
for (const [model, inputs] of [
  [modelOf('aten.embedding.default', { indices: [count] }), [indices]],
  [
    modelOf(
      'aten.embedding_bag.padding_idx',
      { indices: [count], offsets: [2] },
      ...[false, 0, false, null, false, null],
    ),
    [indices, offsets],
  ],
] as const)
  for (let i = 0; i < 300; i++)
    await model.run([...inputs]).then(
      () => turns.served++,
      () => turns.refused++,
    );
await writer.terminate();
console.log(JSON.stringify(turns));
