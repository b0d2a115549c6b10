// Says how much processor time an idle model takes, then ends by itself: idle threads must not keep it alive.
import { compile } from '../../../lib/runtime/index.ts';
import { Tensor } from '../../../lib/tensor/index.ts';
import { slowNet } from '../models.ts';

const model = compile(slowNet(), { threadsPerStream: 2 });
await model.run(Tensor.zeros('float32', [1, 16, 64, 64]));
// OpenMP's threads wait for more work for a moment before they sleep.
await new Promise((resolve) => setTimeout(resolve, 200));
const before = process.cpuUsage();
await new Promise((resolve) => setTimeout(resolve, 500));
const { user, system } = process.cpuUsage(before);
console.log(JSON.stringify({ busyMilliseconds: (user + system) / 1000 }));
