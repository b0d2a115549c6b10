import type { ModelRepository, PreparedLoad } from '../models/repository.ts';
import type { ServeOptions } from '../serve-options.ts';
import { type InferenceServer, serveAsPart } from '../server.ts';
import type { PrimaryCalls, WorkerCalls } from './calls.ts';
import { type Channel, Peer } from './peer.ts';

/** Serves in a worker process until the primary, or a signal, wants it to end; then ends the process. */
export async function serveAsWorker(options: ServeOptions): Promise<never> {
  let server: InferenceServer | undefined;
  let stop = () => {};
  const stopped = new Promise<void>((resolve) => {
    stop = resolve;
  });
  // The primary asks for nothing before it has heard that the server is there.
  const calls: WorkerCalls = {
    ...repositoryCalls(() => server!.repository),
    reloadTls: () => server!.reloadTls(),
    close: stop,
  };
  const primary = new Peer<PrimaryCalls>(process as Channel, 'the primary process', calls);
  try {
    let isComplete = false;
    const { ports, versions } = await primary.call('join');
    server = await serveAsPart(
      { ...options, ...ports },
      {
        versions,
        control: {
          index: () => primary.call('index'),
          load: (name) => primary.call('load', name),
          unload: (name) => primary.call('unload', name),
        },
        isComplete: () => isComplete,
      },
    );
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, stop);
    const { url, grpcAddress, repository } = server;
    // Not waited for: it may have to end while another one starts.
    primary.call('started', { url, grpcAddress }, repository.versions).then(
      () => {
        isComplete = true;
      },
      () => {}, // the primary is gone, and this process ends
    );
    await stopped;
    await server.close();
    process.exit(0);
  } catch (error) {
    await primary.call('failed', (error as Error).message).catch(() => {});
    process.exit(1);
  }
}

/** What the primary can ask of a worker's repository. */
export function repositoryCalls(repository: () => ModelRepository): Omit<WorkerCalls, 'reloadTls' | 'close'> {
  const prepared = new Map<string, PreparedLoad>();
  const settle = (name: string, how: keyof PreparedLoad) => {
    prepared.get(name)?.[how]();
    prepared.delete(name);
  };
  return {
    index: () => repository().index(),
    prepare: async (name) => {
      prepared.set(name, await repository().prepare(name));
    },
    commit: (name) => {
      settle(name, 'commit');
      return repository().versions;
    },
    discard: (name) => settle(name, 'discard'),
    unload: (name) => repository().unload(name),
  };
}
