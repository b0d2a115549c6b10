import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:http2';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { serve } from '../../../lib/serve/index.ts';
import { saveNetwork } from '../client.ts';
import { GrpcClient } from './client.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'octavo-serve-'));
  await saveNetwork(join(folder, 'network.octavo'));
});
afterAll(() => rm(folder, { recursive: true }));

/** Calls `ModelInfer` with a message of 1000 bytes, of which it sends ten. */
function begin(address: string) {
  const session = connect(`http://${address}`);
  const stream = session.request({
    ':method': 'POST',
    ':path': '/inference.GRPCInferenceService/ModelInfer',
    'content-type': 'application/grpc',
    te: 'trailers',
  });
  stream.on('error', () => {});
  stream.write(Buffer.concat([Buffer.from([0, 0, 0, 3, 0xe8]), Buffer.alloc(10)]));
  return { session, stream };
}

it('a request that does not arrive in time is answered, and its stream is closed', async () => {
  const requestTimeout = 200;
  await using server = await serve({
    models: folder,
    port: 0,
    grpcPort: 0,
    headersTimeout: requestTimeout,
    requestTimeout,
  });
  const { session, stream } = begin(server.grpcAddress!);
  try {
    const [headers] = await once(stream, 'response');
    expect(headers).toMatchObject({
      'grpc-status': '4',
      'grpc-message': expect.stringMatching(/took%20longer%20to%20arrive.*200%20ms/),
    });
    // The client has not ended it.
    await once(stream, 'close');
    using client = new GrpcClient(server.grpcAddress!);
    expect((await client.ask('ServerLive')).code).toBe('OK');
  } finally {
    session.destroy();
  }
});
