// Serves short requests one right after the other, so that everybody waits actively, and then does what its argument names.
import { readdirSync } from 'node:fs';
import { addon } from '../../../lib/native/addon.ts';
import { type CompiledModel, compile } from '../../../lib/runtime/index.ts';
import { Tensor } from '../../../lib/tensor/index.ts';
import { convNet } from '../../support/models.ts';

const x = Tensor.zeros('float32', [1, 3, 8, 8]);
const sleep = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

async function heat(requests: number): Promise<CompiledModel> {
  const model = compile(convNet(), { threadsPerStream: 1 });
  for (let i = 0; i < requests; i++) await model.run(x);
  return model;
}

/** Milliseconds of processor time in 500 without requests. */
async function idle(): Promise<number> {
  await heat(3000);
  await sleep(50);
  const before = process.cpuUsage();
  await sleep(500);
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

async function exits(): Promise<void> {
  const model = await heat(300);
  void model.run(x);
  process.exit(0);
}

/** Results of the requests that were under way when their models were disposed of. */
async function disposes(): Promise<readonly string[]> {
  const states: string[] = [];
  for (let i = 0; i < 30; i++) {
    const model = await heat(100 + i);
    if (i % 2 === 0) model.dispose();
    else {
      const [last] = [Promise.allSettled([model.run(x)]), model.dispose()];
      for (const { status } of await last) states.push(status);
    }
  }
  return states;
}

/** How many threads an operator starts on the JavaScript thread once that thread has run a model of one thread. */
async function operatorThreads(): Promise<number> {
  const model = await heat(10);
  for (let i = 0; i < 10; i++) model.runSync(x);
  const tasks = () => readdirSync('/proc/self/task').length;
  const before = tasks();
  const large = { dtype: 'float32', shape: [1 << 20] } as const;
  const [from, to] = [0, 0].map(() => new Float32Array(1 << 20));
  addon.execute(
    { op: 'eltwise', node: 'tanh', attributes: { algorithm: 'tanh' } },
    [{ ...large, data: from }],
    [{ ...large, data: to }],
  );
  return tasks() - before;
}

const modes = { idle, exits, disposes, operatorThreads } as const;
console.log(JSON.stringify((await modes[process.argv[2] as keyof typeof modes]()) ?? null));
