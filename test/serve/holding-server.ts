import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { compile } from '../../lib/runtime/index.ts';
import { type InferenceServer, serve } from '../../lib/serve/index.ts';
import { uniform } from '../support/graph-builder.ts';
import { integerNetwork } from '../support/models.ts';
import { ask, bytesOf, withBytes } from './client.ts';

/** A server whose requests wait as long as a test wants. */
export interface HoldingServer extends AsyncDisposable {
  readonly server: InferenceServer;
  /** Of the model `network`. */
  readonly file: string;
  /** Asks for so many samples: the status of the answer. */
  infer(samples: number, init?: { headers?: Record<string, string>; signal?: AbortSignal }): Promise<number>;
}

/** Of `network`, over images of 16 x 64 x 64: four requests may wait, and do so until there are eight samples. */
export async function holdingServer(): Promise<HoldingServer> {
  const folder = await mkdtemp(join(tmpdir(), 'octavo-serve-'));
  const file = join(folder, 'network.octavo');
  await saveNetwork(file);
  const batching = { maxBatchSize: 8, maxQueueDelay: 60_000 };
  const load = { streams: 1, threadsPerStream: 1, maxQueue: 3, batching };
  const server = await serve({ models: folder, port: 0, load });
  return {
    server,
    file,
    async infer(samples, { headers: more = {}, signal } = {}) {
      const images = uniform([samples, 16, 64, 64], -1, 1, 1);
      const size = images.data.byteLength;
      const { shape } = images;
      const input = { name: 'x', datatype: 'FP32', shape, parameters: { binary_data_size: size } };
      const request = { inputs: [input], parameters: { binary_data_output: true } };
      const [body, headers] = withBytes(request, bytesOf(images));
      const init = { method: 'POST', body, headers: { ...headers, ...more }, ...(signal && { signal }) };
      const response = await fetch(`${server.url}/v2/models/network/infer`, init);
      await response.arrayBuffer();
      return response.status;
    },
    async [Symbol.asyncDispose]() {
      await server.close();
      await rm(folder, { recursive: true });
    },
  };
}

export async function saveNetwork(path: string): Promise<void> {
  using model = compile(integerNetwork(2));
  await model.save(path);
}

/** Waits for something that happens soon, however slow the machine is. */
export async function until(happened: () => boolean): Promise<void> {
  while (!happened()) await new Promise((resolve) => setTimeout(resolve, 2));
}

/**
 * Asks for what a test knows the outcome of: four requests of eight samples that are computed at once, one that cannot wait, one whose
 * client goes away, one that is no JSON.
 */
export async function askKnownRequests({ server, infer }: HoldingServer): Promise<void> {
  const { model, statistics } = server.repository.model('network');
  const gone = new AbortController();
  const waiting = [infer(1), infer(1), infer(1)];
  const left = infer(1, { signal: gone.signal }).catch(() => 0);
  await until(() => model.waiting === 4);
  if ((await infer(1)) !== 429) throw new Error('four requests wait: there is no room for a fifth');
  gone.abort();
  await left;
  await until(() => statistics.failures.CANCELED.count === 1);
  const statuses = await Promise.all([...waiting, infer(5)]);
  if (statuses.some((status) => status !== 200)) throw new Error(`requests failed: ${statuses}`);
  await ask(server, '/models/network/infer', Buffer.from('{"inputs": ['));
}
