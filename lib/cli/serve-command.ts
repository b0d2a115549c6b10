import { createRequire } from 'node:module';
import { Command, Option } from 'commander';
import type { ModelControl } from '../serve/index.ts';
import { nonNegativeNumber, portNumber, positiveInteger } from './option-parsers.ts';
import { type GlobalOptions, printResult } from './output.ts';
import { UsageError } from './usage-error.ts';

interface ServeFlags extends GlobalOptions {
  readonly host: string;
  readonly port: number;
  readonly grpcPort?: number | 'off';
  readonly modelControl: ModelControl;
  readonly bodyLimit: number;
  readonly streams?: number;
  readonly threads?: number;
  readonly maxQueue?: number;
  readonly maxBatchSize?: number;
  readonly maxQueueDelay?: number;
  readonly shutdownDelay: number;
}

/** `octavo serve MODELS`: the models of a folder over HTTP and gRPC, until SIGTERM or SIGINT. */
export function serveCommand(): Command {
  return new Command('serve')
    .description('serve saved models by the Open Inference Protocol v2 over HTTP and gRPC')
    .argument('<models>', 'a folder with <name>.octavo or <name>/<version>/model.octavo, or one .octavo file')
    .option('--host <address>', 'where to listen; 0.0.0.0 serves other machines, too', 'localhost')
    .option('--port <n>', 'where to listen; 0 for any port that is free', portNumber, 8000)
    .option('--grpc-port <n>', 'where to listen for gRPC, or off (default: the port after --port)', grpcPort)
    .addOption(
      new Option('--model-control <mode>', 'whether clients may load and unload models')
        .choices(['none', 'explicit'])
        .default('none'),
    )
    .option('--body-limit <mib>', 'refuse requests of more MiB', positiveInteger, 64)
    .option('--streams <n>', 'requests of a model that run at the same time (default: 1)', positiveInteger)
    .option(
      '--threads <n>',
      'threads that compute one request (default: the cores, divided among the streams)',
      positiveInteger,
    )
    .option('--max-queue <n>', 'refuse requests while so many wait (default: 1024)', positiveInteger)
    .option(
      '--max-batch-size <n>',
      'compute up to so many samples of waiting requests together',
      positiveInteger,
    )
    .option('--max-queue-delay <ms>', 'let a request wait so long for others (default: 0)', nonNegativeNumber)
    .option(
      '--shutdown-delay <ms>',
      'go on serving so long after SIGTERM, not ready any more',
      nonNegativeNumber,
      0,
    )
    .action((models: string, _: unknown, self: Command) =>
      serveUntilStopped(models, self.optsWithGlobals<ServeFlags>()),
    );
}

async function serveUntilStopped(models: string, options: ServeFlags): Promise<void> {
  if (options.maxQueueDelay !== undefined && options.maxBatchSize === undefined)
    throw new UsageError(
      '--max-queue-delay needs --max-batch-size: requests wait only for those that they are computed with',
    );
  // Here, so that no other command loads an HTTP server.
  const { serve } = await import('../serve/index.ts');
  const { version } = createRequire(import.meta.url)('octavo/package.json');
  const { host, port, modelControl, shutdownDelay } = options;
  const { streams, threads, maxBatchSize, maxQueueDelay, maxQueue } = options;
  const batching =
    maxBatchSize === undefined ? {} : { batching: { maxBatchSize, ...optional({ maxQueueDelay }) } };
  const load = { ...optional({ streams, threadsPerStream: threads, maxQueue }), ...batching };
  const server = await serve({
    models,
    host,
    port,
    ...optional({ grpcPort: grpcPortOf(options) }),
    version,
    load,
    modelControl,
    shutdownDelay,
    bodyLimit: options.bodyLimit * 2 ** 20,
  });
  printResult(
    options,
    { url: server.url, grpcAddress: server.grpcAddress, models: server.repository.names },
    () => {
      const grpc = server.grpcAddress === undefined ? '' : `, by gRPC at ${server.grpcAddress}`;
      return `serving ${server.repository.names.join(', ')} at ${server.url}${grpc}`;
    },
  );
  await new Promise<void>((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => resolve());
  });
  await server.close();
}

const grpcPort = (text: string): number | 'off' => (text === 'off' ? text : portNumber(text));

/** As Triton's 8001 follows its 8000, so that several servers have ports of their own. */
function grpcPortOf({ port, grpcPort = port === 0 ? 0 : port + 1 }: ServeFlags): number | undefined {
  return grpcPort === 'off' ? undefined : grpcPort;
}

/** Without those that are undefined. */
function optional<T extends object>(given: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };
}
