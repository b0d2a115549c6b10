/**
 * The process behind BenchServer: listens, and works for whoever comes. Plain JavaScript over `dist/`, as a service would have
 * it: functions that a loader of TypeScript compiles are slower.
 */
import { serve } from '../../dist/serve/index.js';
import { peerServer } from './peer.js';

const servers = {
  async octavo({ models, streams, threads, maxBatchSize }) {
    const batching = maxBatchSize === undefined ? {} : { batching: { maxBatchSize } };
    const load = { streams, threadsPerStream: threads, ...batching };
    const { url, grpcAddress, repository } = await serve({ models, port: 0, grpcPort: 0, load });
    const [name] = repository.names;
    const rest = `${url}/v2/models/${name}/infer`;
    return { 'rest-json': rest, 'rest-binary': rest, grpc: `grpc://${grpcAddress}/${name}` };
  },
  async peer(message) {
    const app = await peerServer(message);
    const url = await app.listen({ port: 0, host: '127.0.0.1' });
    return { 'plain-binary': `${url}/binary`, 'rest-json': `${url}/json` };
  },
};

process.once('message', (message) => {
  servers[message.kind](message).then(
    (result) => process.send({ result }),
    ({ message: error }) => process.send({ error }),
  );
});
process.once('disconnect', () => process.exit());
