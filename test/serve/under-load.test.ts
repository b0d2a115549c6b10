import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { Agent, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { compile } from '../../lib/runtime/index.ts';
import { serve } from '../../lib/serve/index.ts';
import { uniform } from '../support/graph-builder.ts';
import { slowNet } from '../support/models.ts';
import { ask, bytesOf, withBytes } from './client.ts';

const x = uniform([1, 16, 64, 64], -1, 1, 1);
const input = { name: 'x', shape: x.shape, datatype: 'FP32', parameters: { binary_data_size: x.byteLength } };
const [body, headers] = withBytes({ inputs: [input], parameters: { binary_data_output: true } }, bytesOf(x));
const load = { streams: 1, threadsPerStream: 1, batching: { maxBatchSize: 4 } };

let folder: string;
/** The bits that each version answers with. */
const answers = new Map<string, Buffer>();

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'octavo-serve-'));
  for (const version of ['1', '2', '3', '4']) {
    using model = compile(slowNet(2 + Number(version)), load);
    await model.save(join(folder, `${version}.octavo`));
    answers.set(version, bytesOf(Object.values(await model.run(x))[0]));
  }
});
afterAll(() => rm(folder, { recursive: true }));

/** One version becomes a part of the repository. */
async function publish(version: string): Promise<string> {
  const models = join(folder, 'models');
  await mkdir(join(models, 'slow', version), { recursive: true });
  await rename(join(folder, `${version}.octavo`), join(models, 'slow', version, 'model.octavo'));
  return models;
}

it('versions are swapped without a lost request, and each is answered by one of them, bit for bit', async () => {
  const models = await publish('1');
  await using server = await serve({ models, port: 0, load, modelControl: 'explicit' });
  const seen = new Set<string>();
  let isOver = false;
  const client = async () => {
    while (!isOver) {
      const { status, json, rest } = await ask(server, '/models/slow/infer', body, headers);
      expect(status).toBe(200);
      const version = json.model_version as string;
      expect(rest.equals(answers.get(version)!)).toBe(true);
      seen.add(version);
    }
  };
  const clients = Promise.all(Array.from({ length: 8 }, client));
  for (const version of ['2', '3', '4']) {
    await publish(version);
    expect((await ask(server, '/repository/models/slow/load', {})).status).toBe(200);
    // Until an answer comes from it.
    while (!seen.has(version))
      await Promise.race([clients, new Promise((resolve) => setTimeout(resolve, 5))]);
  }
  isOver = true;
  await clients;
  expect([...seen].sort()).toEqual(['1', '2', '3', '4']);
});

it('a server that gets SIGTERM answers every request until clients have heard that it ends', async () => {
  const file = join(folder, 'models', 'slow', '4', 'model.octavo');
  const command = ['--import', 'tsx', 'lib/cli/main.ts', 'serve', file, '--port', '0', '--json'];
  const flags = ['--threads', '1', '--max-batch-size', '4', '--shutdown-delay', '5000'];
  const child = spawn(process.execPath, [...command, ...flags], { stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  for await (const chunk of child.stdout) {
    text += chunk;
    if (text.endsWith('}\n')) break;
  }
  const { url, models } = JSON.parse(text);
  const agent = new Agent({ keepAlive: true });
  const infer = () =>
    new Promise<{ status: number | undefined; ends: boolean; bytes: Buffer }>((resolve, reject) => {
      const options = { method: 'POST', agent, headers: { ...headers, 'content-length': body.length } };
      const sent = request(`${url}/v2/models/${models[0]}/infer`, options, async (response) => {
        const chunks = await response.toArray();
        const ends = response.headers.connection === 'close';
        resolve({ status: response.statusCode, ends, bytes: Buffer.concat(chunks) });
      });
      sent.on('error', reject);
      sent.end(body);
    });
  let answered = 0;
  const client = async () => {
    for (let hasEnded = false; !hasEnded; answered++) {
      const { status, ends, bytes } = await infer();
      expect(status).toBe(200);
      expect(bytes.subarray(-x.byteLength).equals(answers.get('4')!)).toBe(true);
      hasEnded = ends;
    }
  };
  const exit = once(child, 'exit');
  const clients = Promise.all(Array.from({ length: 8 }, client));
  while (answered < 20) await Promise.race([clients, new Promise((resolve) => setTimeout(resolve, 5))]);
  child.kill('SIGTERM');
  await clients;
  expect((await exit)[0]).toBe(0);
  await expect(infer()).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  agent.destroy();
}, 60_000);
