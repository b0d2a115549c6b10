import { processMetrics } from '../metrics/process-metrics.ts';
import type { ModelRepository, PreparedLoad } from '../models/repository.ts';
import type { VersionStatistics } from '../models/version-statistics.ts';
import type { ServeOptions } from '../serve-options.ts';
import { type InferenceServer, serveAsPart } from '../server.ts';
import type { PrimaryCalls, WorkerCalls } from './calls.ts';
import { endSignal } from './end-signal.ts';
import { type Channel, Peer } from './peer.ts';

/** Serves in a worker process until the primary, or a signal, wants it to end; then ends the process. */
export async function serveAsWorker(options: ServeOptions): Promise<never> {
  let server: InferenceServer | undefined;
  let stop = () => {};
  let fail = (_: Error) => {};
  const stopped = new Promise<void>((resolve, reject) => {
    stop = resolve;
    fail = reject;
  });
  stopped.catch(() => {}); // it may fail before it is waited for
  let statistics = (): readonly VersionStatistics[] => server!.repository.statistics;
  // The primary asks for nothing before it has heard that the server is there.
  const calls: WorkerCalls = {
    ...repositoryCalls(() => server!.repository),
    report: async () => ({
      versions: tallies(statistics()),
      metrics: await processMetrics().getMetricsAsJSON(),
    }),
    reloadSecrets: () => server!.reloadSecrets(),
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
        report: () => primary.call('report'),
      },
    );
    endSignal().then(stop);
    // The primary reads files again and asks for the same here; whoever signals all processes is not to end this one.
    process.on('SIGHUP', () => {});
    const { url, grpcAddress, repository } = server;
    // Not waited for: it may have to end while another one starts.
    primary.call('started', { url, grpcAddress }, repository.versions).then(() => {
      isComplete = true;
    }, fail);
    await stopped;
    // The repository forgets them while it closes.
    const last = repository.statistics;
    statistics = () => last;
    await server.close();
    await primary.call('counted', tallies(last)).catch(() => {}); // then nobody counts any more
    process.exit(0);
  } catch (error) {
    await primary.call('failed', (error as Error).message).catch(() => {});
    process.exit(1);
  }
}

const tallies = (statistics: readonly VersionStatistics[]) => statistics.map(({ tally }) => tally);

/** What the primary can ask of a worker's repository. */
export function repositoryCalls(
  repository: () => ModelRepository,
): Pick<WorkerCalls, 'index' | 'prepare' | 'commit' | 'discard' | 'unload'> {
  /** Loads that are prepared, or are being: whoever waited for one too long takes it back before it is. */
  const prepared = new Map<string, Promise<PreparedLoad>>();
  const settle = async (name: string, how: keyof PreparedLoad) => {
    const load = prepared.get(name);
    prepared.delete(name);
    (await load?.catch(() => undefined))?.[how](); // whoever asked for it has heard why it failed
  };
  return {
    index: () => repository().index(),
    prepare: async (name) => {
      const load = repository().prepare(name);
      prepared.set(name, load);
      await load;
    },
    commit: async (name) => {
      await settle(name, 'commit');
      return repository().versions;
    },
    discard: (name) => settle(name, 'discard'),
    unload: (name) => repository().unload(name),
  };
}
