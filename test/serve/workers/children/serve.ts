// Serves in several processes, with the options of the first argument, until a signal comes. Prints a line when it has started, and
// one with the workers whenever a line is sent to it.
import { createInterface } from 'node:readline';
import { serveWorkers } from '../../../../lib/serve/index.ts';

const server = await serveWorkers(JSON.parse(process.argv[2]));
// Before the line that says it has started: whoever reads it may send a signal at once.
process.once('SIGTERM', () => server.close());
const print = (facts: unknown) => process.stdout.write(`${JSON.stringify(facts)}\n`);
const { url, grpcAddress, models, workers } = server;
print({ url, grpcAddress, models, workers });
createInterface(process.stdin).on('line', () => print({ workers: server.workers }));
await server.ended;
process.stdin.destroy();
