/**
 * `npm run soak:server`: `octavo serve` with more requests than it can compute, and beside them clients that hang up, send garbage,
 * halves or 1 GiB, or nothing at all, on thousands of connections. Checks every bit of every answer, and that memory, the queue and
 * the event loop stay within bounds. Exits with 1 when something does not hold.
 *
 *     npm run soak:server -- --minutes 10 --load 1.2 --network resnet18 --idle 10000 --max-queue 64
 */
import { mkdtemp, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { precisionsHere } from '../precisions.ts';
import { prepareNetwork } from '../prepare.ts';
import { formatSetup, setupHere } from '../report.ts';
import { conditionsOf } from './conditions.ts';
import { Nuisances } from './nuisances.ts';
import type { Sample } from './probe.ts';
import { questionsFor } from './questions.ts';
import { ServedProcess } from './served.ts';
import { Traffic } from './traffic.ts';

const { values: options } = parseArgs({
  options: {
    minutes: { type: 'string', default: '10' },
    /** Parts of what the server can do at most. */
    load: { type: 'string', default: '1.2' },
    network: { type: 'string', default: 'resnet18' },
    /** Connections that send nothing. `ulimit -n` has to allow them, here and in the server. */
    idle: { type: 'string', default: '10000' },
    'max-queue': { type: 'string', default: '64' },
  },
});
const [minutes, load, idle] = [options.minutes, options.load, options.idle].map(Number);
for (const [name, value] of Object.entries({ minutes, load, idle }))
  if (!(value >= 0)) throw new Error(`--${name} must be a number, not below 0`);

async function soak(file: string): Promise<boolean> {
  const questions = await questionsFor(file);
  const flags = ['--max-queue', options['max-queue'], '--max-batch-size', '16'];
  const server = await ServedProcess.start(file, ...flags);
  const url = `${server.url}/v2/models/${options.network}/infer`;
  const traffic = new Traffic(url, questions);
  const nuisances = new Nuisances(url, questions[0]);
  try {
    await traffic.capacity(32, 1000);
    const capacity = await traffic.capacity(32, 3000);
    console.log(`capacity: ${capacity.toFixed(0)} requests/s; offered: ${(load * capacity).toFixed(0)}`);
    const samples: Sample[] = [];
    const end = performance.now() + 60_000 * minutes;
    await server.sample();
    const [others, sampling] = [
      [nuisances.idle(idle), nuisances.roam(100)],
      (async () => {
        for (let now = performance.now(); now < end && server.isAlive; now = performance.now()) {
          await sleep(Math.min(1000, end - now));
          samples.push(await server.sample());
        }
      })(),
    ];
    await traffic.offer(load * capacity, 60_000 * minutes);
    await sampling;
    nuisances.stop();
    await Promise.all(others);
    const { answered, refused, wrong } = traffic.outcomes;
    console.log(`answered: ${answered}; refused, the queue being full: ${refused}; wrong: ${wrong}`);
    console.log([...nuisances.counts].map(([name, count]) => `${name}: ${count}`).join('; '));
    const conditions = conditionsOf(traffic.outcomes, nuisances.faults, samples, await server.stop());
    for (const { holds, text } of conditions) console.log(`${holds ? 'holds' : 'FAILS'}: ${text}`);
    return conditions.every(({ holds }) => holds);
  } finally {
    nuisances.stop();
    traffic.close();
    await server.stop();
  }
}

console.log(formatSetup(setupHere()));
const folder = await mkdtemp(join(tmpdir(), 'octavo-soak-'));
try {
  const files = await prepareNetwork(options.network, precisionsHere().precisions, folder);
  const file = join(folder, `${options.network}.octavo`);
  await rename(files.octavo.int8, file);
  process.exitCode = (await soak(file)) ? 0 : 1;
} finally {
  await rm(folder, { recursive: true });
}
