// Ends the process while requests run and wait, in the way its first argument names.
import { compile } from '../../../lib/runtime/index.ts';
import { Tensor } from '../../../lib/tensor/index.ts';
import { slowNet } from '../../support/models.ts';

const model = compile(slowNet(), { streams: 2, threadsPerStream: 2 });
const x = Tensor.zeros('float32', [8, 16, 64, 64]);
await model.warmup(x.shape);
// Those that wait are rejected when the model is disposed of.
for (let i = 0; i < 6; i++) model.run(x).catch(() => {});
if (process.argv[2] === 'compiling') void model.run(Tensor.zeros('float32', [3, 16, 64, 64]));
setTimeout(() => {
  if (process.argv[2] === 'disposed of') model.dispose();
  if (process.argv[2] === 'throw') throw new Error('thrown on purpose');
  process.exit(0);
}, 20);
