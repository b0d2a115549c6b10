import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { pseudoRandom } from '../../../bench/pseudo-random.ts';
import { asking, protocols } from '../../../bench/server/protocols.ts';
import { loadModel, Tensor } from '../../../lib/runtime/index.ts';
import { serve } from '../../../lib/serve/index.ts';
import { saveNetwork } from '../../serve/client.ts';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const shape = [2, 3, 8, 8];
const images = [1, 2].map((seed) => ({ input: 'x', shape, data: pseudoRandom(2 * 3 * 8 * 8, seed) }));

/** The part of an answer that is the result, in bytes. */
const resultIn: Readonly<Record<(typeof protocols)[number], (answer: Buffer, bytes: number) => Buffer>> = {
  'rest-json': (answer) => {
    const [{ data }] = JSON.parse(answer.toString()).outputs;
    return Buffer.from(Float32Array.from(data).buffer);
  },
  'rest-binary': (answer, bytes) => answer.subarray(-bytes),
  // The raw contents come last.
  grpc: (answer, bytes) => answer.subarray(-bytes),
};

test.each(protocols)('%s asks for what run gives, image by image', async (protocol) => {
  const folder = await mkdtemp(join(tmpdir(), 'octavo-protocols-'));
  cleanups.push(() => rm(folder, { recursive: true }));
  const file = join(folder, 'network.octavo');
  await saveNetwork(file);
  const server = await serve({ models: file, port: 0, grpcPort: 0 });
  cleanups.push(() => server.close());
  const rest = `${server.url}/v2/models/network/infer`;
  const url = protocol === 'grpc' ? `grpc://${server.grpcAddress}/network` : rest;
  const { ask, close } = asking(protocol, url, images);
  cleanups.push(close);
  using model = await loadModel(file);
  const answers = await Promise.all([0, 1, 0].map(ask));
  for (const [i, image] of [0, 1, 0].entries()) {
    const results = await model.run(new Tensor('float32', images[image].data, shape));
    const [{ data }] = Object.values(results);
    const expected = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
    expect(resultIn[protocol](answers[i]!, expected.length).equals(expected)).toBe(true);
  }
});

test('a server that has too much to do gives no result, one that finds fault an error', async () => {
  let status = 429;
  const server = createServer((_request, response) =>
    response.writeHead(status, { 'content-length': 14 }).end('{"error":"no"}'),
  );
  cleanups.push(() => server.close());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  const { ask, close } = asking('rest-binary', url, images);
  cleanups.push(close);
  expect(await ask(0)).toBeUndefined();
  status = 400;
  await expect(ask(0)).rejects.toThrow('the server answers with status 400: {"error":"no"}');
});
