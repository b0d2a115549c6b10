import { createRequire } from 'node:module';
import { serve } from '../../serve/index.ts';
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
  const server = await serve({ ...(await serveOptionsOf(settings, process.env)), version });
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
