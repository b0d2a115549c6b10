import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { compile } from '../../lib/runtime/index.ts';
import { type InferenceServer, type ServeOptions, serve } from '../../lib/serve/index.ts';
import { doublesAndRows } from './model.ts';

/** A server of one small model, `doubles`, whose requests are computed in batches and may have 1 MiB. */
export async function doublesServer(options: Pick<ServeOptions, 'grpcPort'> = {}): Promise<InferenceServer> {
  const folder = mkdtempSync(join(tmpdir(), 'octavo-fuzz-'));
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
  {
    using model = compile(doublesAndRows());
    await model.save(join(folder, 'doubles.octavo'));
  }
  const load = { streams: 1, threadsPerStream: 1, batching: { maxBatchSize: 8 } };
  return serve({ models: folder, port: 0, load, bodyLimit: 2 ** 20, ...options });
}
