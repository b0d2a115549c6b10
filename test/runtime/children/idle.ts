// Serves a small request now and then, then idles; says how much processor time that took and how many threads the model
// held, then ends by itself: idle threads must not keep the process alive.
import { readdirSync, readFileSync } from 'node:fs';
import { compile } from '../../../lib/runtime/index.ts';
import { Tensor } from '../../../lib/tensor/index.ts';
import { slowNet } from '../models.ts';

const sleep = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

async function busyWhile(work: () => Promise<unknown>): Promise<number> {
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

const threads = () =>
  readdirSync('/proc/self/task').filter((id) =>
    readFileSync(`/proc/self/task/${id}/comm`, 'utf8').startsWith('octavo-'),
  ).length;

const model = compile(slowNet(4), { threadsPerStream: 2 });
const x = Tensor.zeros('float32', [1, 16, 64, 64]);
for (let i = 0; i < 50; i++) await model.run(x);
const threadsServing = threads();
const serving = await busyWhile(async () => {
  for (let i = 0; i < 20; i++) {
    await sleep(25);
    await model.run(x);
  }
});
await sleep(1500);
const idle = await busyWhile(() => sleep(500));
console.log(JSON.stringify({ serving, idle, threadsServing, threadsIdle: threads() }));
