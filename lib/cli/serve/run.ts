import { createRequire } from 'node:module';
import {
  BearerToken,
  type ServeOptions,
  type ServeWorkersOptions,
  serve,
  serveWorkers,
} from '../../serve/index.ts';
import { readTlsFiles } from '../../serve/security/tls-files.ts';
import { type GlobalOptions, printResult } from '../output.ts';
import { checkModels } from './check-models.ts';
import { effectiveSettings, type Flags } from './effective-settings.ts';
import { formatSettings } from './format-settings.ts';
import { logTo } from './logger.ts';
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
  const served = await serveOptionsOf(settings, process.env);
  await checkModels(settings);
  if (options.printConfig) {
    await checkSecrets(served);
    printResult(options, effective, () => formatSettings(effective));
    return;
  }
  // The gRPC library would tell on stderr what it makes of clients' metadata, in lines of its own.
  process.env.GRPC_NODE_VERBOSITY ??= process.env.GRPC_VERBOSITY ?? 'NONE';
  const { version } = createRequire(import.meta.url)('octavo/package.json');
  const serveOptions = { ...served, version, logger: logTo(settings.logLevel) };
  const { workers } = settings;
  if (workers === undefined) await serveAlone(serveOptions, options);
  else await serveInWorkers({ ...serveOptions, workers }, options);
}

async function serveAlone(serveOptions: ServeOptions, options: RunOptions): Promise<void> {
  await using server = await serve(serveOptions);
  const { url, grpcAddress, repository, app, reloadTls } = server;
  const stopped = stopSignal();
  if (serveOptions.tls)
    onReload(async () => {
      await reloadTls();
      app.log.info('SIGHUP: the files of TLS are read again');
    });
  const facts = { url, grpcAddress, models: repository.names };
  printResult(options, facts, () => textOf(facts));
  app.log.info(`${await stopped}: not ready any more`);
  await server.close();
  app.log.info('all that was accepted is answered');
}

async function serveInWorkers(serveOptions: ServeWorkersOptions, options: RunOptions): Promise<void> {
  await using server = await serveWorkers(serveOptions);
  const { url, grpcAddress, models, workers } = server;
  const stopped = stopSignal();
  if (serveOptions.tls) onReload(server.reloadTls);
  const facts = { url, grpcAddress, models, workers };
  printResult(options, facts, () => `${textOf(facts)}, in ${workers.length} processes`);
  await Promise.race([stopped, server.ended]);
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

/** To be called before anybody hears that the server is there, and may end it. */
const stopSignal = () =>
  new Promise<string>((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, resolve);
  });

/** What else would stop the start, but for the models. */
async function checkSecrets({ token, tls }: ServeOptions): Promise<void> {
  if (token !== undefined) new BearerToken(token);
  if (tls) await readTlsFiles(tls);
}

/** On SIGHUP. A certificate that is wrong ends nothing: the server goes on with the one it has. */
function onReload(reloadTls: () => Promise<void>): void {
  process.on('SIGHUP', () => {
    reloadTls().catch((error: Error) => process.emitWarning(`SIGHUP: ${error.message}`));
  });
}
