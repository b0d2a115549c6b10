import { serve } from '../../lib/serve/index.ts';
import { answerMessages } from '../asked-process.ts';
import { peerServer } from './peer.ts';
import type { Addresses, ServerMessage } from './server.ts';

/** The process behind a BenchServer: listens, and works for whoever comes. */

async function start(message: ServerMessage): Promise<Addresses> {
  if (message.kind === 'peer') {
    const app = await peerServer(message.file, message.threads, message.shape);
    const url = await app.listen({ port: 0, host: '127.0.0.1' });
    return { 'plain-binary': `${url}/binary`, 'rest-json': `${url}/json` };
  }
  const { models, threads, maxBatchSize } = message;
  const batching = maxBatchSize === undefined ? {} : { batching: { maxBatchSize } };
  const { url, repository } = await serve({
    models,
    port: 0,
    load: { threadsPerStream: threads, ...batching },
  });
  const rest = `${url}/v2/models/${repository.names[0]}/infer`;
  return { 'rest-json': rest, 'rest-binary': rest };
}

answerMessages(start);
process.once('disconnect', () => process.exit());
