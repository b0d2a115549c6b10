import { createRequire } from 'node:module';
import { serve, serveWorkers } from '../../serve/index.ts';
import { type GlobalOptions, printResult } from '../output.ts';
import { effectiveSettings, type Flags } from './effective-settings.ts';
import { formatSettings } from './format-settings.ts';
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
  const { version } = createRequire(import.meta.url)('octavo/package.json');
  const effective = await effectiveSettings(flags, options.config, process.env);
  const { settings } = effective;
  if (options.printConfig) {
    printResult(options, effective, () => formatSettings(effective));
    return;
  }
  const serveOptions = { ...(await serveOptionsOf(settings, process.env)), version };
  const { workers } = settings;
  if (workers === undefined) {
    await using server = await serve(serveOptions);
    const { url, grpcAddress, repository } = server;
    const stopped = stopSignal();
    const facts = { url, grpcAddress, models: repository.names };
    printResult(options, facts, () => textOf(facts));
    await stopped;
  } else {
    await using server = await serveWorkers({ ...serveOptions, workers });
    const { url, grpcAddress, models, workers: processes } = server;
    const stopped = stopSignal();
    const facts = { url, grpcAddress, models, workers: processes };
    printResult(options, facts, () => `${textOf(facts)}, in ${workers} processes`);
    await Promise.race([stopped, server.ended]);
  }
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
  new Promise<void>((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => resolve());
  });
