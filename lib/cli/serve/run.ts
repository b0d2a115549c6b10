import { createRequire } from 'node:module';
import type { Logger } from 'pino';
import { type ServeOptions, type ServeWorkersOptions, serve, serveWorkers } from '../../serve/index.ts';
import { ServerSecrets } from '../../serve/security/server-secrets.ts';
import { endSignal } from '../../serve/workers/end-signal.ts';
import { type GlobalOptions, printResult } from '../output.ts';
import { checkModels } from './check-models.ts';
import { effectiveSettings, type Flags } from './effective-settings.ts';
import { formatSettings } from './format-settings.ts';
import { logOf, logTo } from './logger.ts';
import { fileSchema } from './schema.ts';
import { serveOptionsOf } from './serve-options.ts';

/** What `octavo serve` is told beside its settings. */
export interface RunOptions extends GlobalOptions {
  readonly config?: string;
  readonly printConfig?: boolean;
  readonly printSchema?: boolean;
}

/** Serves until SIGTERM or SIGINT comes; or prints what it would serve with. */
export async function run(flags: Flags, options: RunOptions): Promise<void> {
  if (options.printSchema) {
    process.stdout.write(`${JSON.stringify(fileSchema, null, 2)}\n`);
    return;
  }
  const effective = await effectiveSettings(flags, options.config, process.env);
  const { settings } = effective;
  const served = serveOptionsOf(settings, process.env);
  // What would stop the start, said before there are processes that say it.
  await ServerSecrets.read(served);
  await checkModels(settings);
  if (options.printConfig) {
    printResult(options, effective, () => formatSettings(effective));
    return;
  }
  // What gRPC's library would tell on stderr, in lines of its own, is thrown or the client's own affair.
  process.env.GRPC_NODE_VERBOSITY ??= process.env.GRPC_VERBOSITY ?? 'NONE';
  const { version } = createRequire(import.meta.url)('octavo/package.json');
  const { workers, logLevel } = settings;
  const serveOptions = { ...served, version, logger: logTo(logLevel) };
  if (workers === undefined) await serveAlone(serveOptions, options);
  else await serveInWorkers({ ...serveOptions, workers }, logOf(logLevel), options);
}

async function serveAlone(serveOptions: ServeOptions, options: RunOptions): Promise<void> {
  await using server = await serve(serveOptions);
  const { url, grpcAddress, repository } = server;
  const { log } = server.app;
  // Before anybody hears that the server is there, and may end it.
  const signal = endSignal();
  onReload(serveOptions, server, log);
  const facts = { url, grpcAddress, models: repository.names };
  printResult(options, facts, () => textOf(facts));
  await end(server, await signal, log);
}

async function serveInWorkers(
  serveOptions: ServeWorkersOptions,
  log: Log,
  options: RunOptions,
): Promise<void> {
  const onWarning = (message: string) => log.warn(message);
  await using server = await serveWorkers({ ...serveOptions, onWarning });
  const { url, grpcAddress, models, workers } = server;
  const signal = endSignal();
  onReload(serveOptions, server, log);
  const facts = { url, grpcAddress, models, workers };
  printResult(options, facts, () => `${textOf(facts)}, in ${workers.length} processes`);
  const first = await Promise.race([signal, server.ended]);
  // Else all workers have ended: nobody is there any more.
  if (first) await end(server, first, log);
}

type Log = Pick<Logger, 'info' | 'warn' | 'error'>;

async function end(server: { close(): Promise<void> }, signal: string, log: Log): Promise<void> {
  log.info(`${signal}: not ready any more`);
  await server.close();
  log.info('all that was accepted is answered');
}

interface Facts {
  readonly url: string;
  readonly grpcAddress: string | undefined;
  readonly models: readonly string[];
}

function textOf({ url, grpcAddress, models }: Facts): string {
  const grpc = grpcAddress === undefined ? '' : `, by gRPC at ${grpcAddress}`;
  return `serving ${models.join(', ')} at ${url}${grpc}`;
}

/** On SIGHUP, where there are files of secrets. What is wrong ends nothing: the server goes on with what it has. */
function onReload({ tls, token }: ServeOptions, server: { reloadSecrets(): Promise<void> }, log: Log): void {
  if (!tls && typeof token !== 'object') return;
  process.on('SIGHUP', async () => {
    try {
      await server.reloadSecrets();
      log.info('SIGHUP: the files of secrets are read again');
    } catch (error) {
      log.error(`SIGHUP: ${(error as Error).message}`);
    }
  });
}
