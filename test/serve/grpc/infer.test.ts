import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compile, type Tensor } from '../../../lib/runtime/index.ts';
import { type InferenceServer, serve } from '../../../lib/serve/index.ts';
import { uniform } from '../../support/graph-builder.ts';
import { convNet } from '../../support/models.ts';
import { bytesOf, saveNetwork } from '../client.ts';
import { GrpcClient } from './client.ts';

let folder: string;
let server: InferenceServer;
let client: GrpcClient;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'octavo-serve-'));
  await saveNetwork(join(folder, 'network.octavo'));
  server = await serve({ models: folder, port: 0, grpcPort: 0 });
  client = new GrpcClient(server.grpcAddress!);
});
afterAll(async () => {
  client[Symbol.dispose]();
  await server.close();
  await rm(folder, { recursive: true });
});

const x = uniform([2, 3, 8, 8], -1, 1, 1);
const input = { name: 'x', shape: x.shape, datatype: 'FP32' };

/** What the model answers to x when it is run here. */
async function expected(): Promise<Tensor> {
  using model = compile(convNet());
  return Object.values(await model.run(x))[0];
}

describe('inference over gRPC gives the bits that run gives', () => {
  it('in bytes', async () => {
    const y = await expected();
    const message = { model_name: 'network', id: 'a 1', inputs: [input], raw_input_contents: [bytesOf(x)] };
    const answer = (await client.ask('ModelInfer', message)).message;
    expect(answer).toMatchObject({ model_name: 'network', model_version: '1', id: 'a 1' });
    expect(answer.outputs).toMatchObject([
      { name: 'linear_default', datatype: 'FP32', shape: [2, 5], contents: null },
    ]);
    expect(answer.raw_output_contents).toHaveLength(1);
    expect(answer.raw_output_contents[0].equals(bytesOf(y))).toBe(true);
  });

  it('in lists', async () => {
    const y = await expected();
    const inputs = [{ ...input, contents: { fp32_contents: x.toArray() } }];
    const answer = (await client.ask('ModelInfer', { model_name: 'network', inputs })).message;
    expect(answer.outputs[0].contents.fp32_contents).toEqual(y.toArray());
    expect(answer.raw_output_contents).toEqual([]);
  });
});
