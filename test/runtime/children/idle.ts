// Serves small requests without pause on one thread, then now and then on two, then idles; says how much processor time each
// took and how many threads the model held, then ends by itself: idle threads must not keep the process alive.
import { readdirSync, readFileSync } from 'node:fs';
import { compile } from '../../../lib/runtime/index.ts';
import { Tensor } from '../../../lib/tensor/index.ts';
import { slowNet } from '../../support/models.ts';

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

const x = Tensor.zeros('float32', [1, 16, 64, 64]);
const single = compile(slowNet(4), { threadsPerStream: 1 });
for (let i = 0; i < 50; i++) await single.run(x);
const onOneThread = await busyWhile(async () => {
  for (let i = 0; i < 20; i++) await single.run(x);
});
single.dispose();

const model = compile(slowNet(4), { threadsPerStream: 2 });
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
console.log(JSON.stringify({ onOneThread, serving, idle, threadsServing, threadsIdle: threads() }));
