import { createRequire } from 'node:module';
import { BearerToken, type InferenceServer, type ServeOptions, serve } from '../../serve/index.ts';
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
  const { version } = createRequire(import.meta.url)('octavo/package.json');
  const server = await serve({ ...served, version, logger: logTo(settings.logLevel) });
  printResult(
    options,
    { url: server.url, grpcAddress: server.grpcAddress, models: server.repository.names },
    () => {
      const grpc = server.grpcAddress === undefined ? '' : `, by gRPC at ${server.grpcAddress}`;
      return `serving ${server.repository.names.join(', ')} at ${server.url}${grpc}`;
    },
  );
  if (served.tls) process.on('SIGHUP', () => reload(server));
  const signal = await new Promise<string>((resolve) => {
    for (const each of ['SIGTERM', 'SIGINT'] as const) process.once(each, resolve);
  });
  server.app.log.info(`${signal}: not ready any more`);
  await server.close();
  server.app.log.info('all that was accepted is answered');
}

/** What else would stop the start, but for the models. */
async function checkSecrets({ token, tls }: ServeOptions): Promise<void> {
  if (token !== undefined) new BearerToken(token);
  if (tls) await readTlsFiles(tls);
}

/** A certificate that is wrong ends nothing: the server goes on with the one it has. */
async function reload({ app, reloadTls }: InferenceServer): Promise<void> {
  try {
    await reloadTls();
    app.log.info('SIGHUP: the files of TLS are read again');
  } catch (error) {
    app.log.error(error);
  }
}
