import cluster from 'node:cluster';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { listenError } from '../listen-error.ts';
import { type ServeOptions, serveDefaults } from '../serve-options.ts';
import { type InferenceServer, oneAddress } from '../server.ts';
import { Primary } from './primary.ts';
import { serveAsWorker } from './worker.ts';
import { workerVariable } from './worker-process.ts';

/** Options of {@link serveWorkers}; those of {@link serve} hold for each worker. */
export interface ServeWorkersOptions extends ServeOptions {
  /** How many processes serve: at most as many as there are CPUs. */
  readonly workers: number;
  /** Is told when a worker has ended and another one takes its place. Default: `process.emitWarning`. */
  readonly onWarning?: (message: string) => void;
}

/** Several processes that serve the same models at one address. */
export interface WorkerServer extends AsyncDisposable {
  /** `http://127.0.0.1:8000` */
  readonly url: string;
  /** Where they speak gRPC, `127.0.0.1:8001`; undefined if they do not. */
  readonly grpcAddress: string | undefined;
  /** Names of the models that are loaded. */
  readonly models: readonly string[];
  /** The processes that there are now, and the CPUs that each is bound to. */
  readonly workers: readonly { readonly pid: number; readonly cpus: readonly number[] }[];
  /** Settles when no worker is there any more: rejects with a worker's error if it could not be started again. */
  readonly ended: Promise<void>;
  /** Reads the files of TLS and of the token again in each worker, as {@link InferenceServer.reloadSecrets}. */
  reloadSecrets(): Promise<void>;
  /** Lets each worker say that it is not ready, answer what it has accepted, and end. */
  close(): Promise<void>;
}

/**
 * {@link serve} in several processes behind one port, each on CPUs and memory of its own: whole NUMA nodes, or whole cores. The script
 * that calls it is run once more for each of them, and ends there in this call; so what comes before it (instrumentation, say)
 * happens in all, and what comes after only in the first process. Connections are dealt out in turn.
 *
 * A worker that ends is started again, and the others go on meanwhile. The server ends with a worker that ends six times in a row, each
 * time before it has served for ten seconds. Models are loaded and unloaded in all workers or in none.
 *
 * @example
 * await using server = await serveWorkers({ models: 'models', workers: 4 });
 * console.log(server.url, server.workers.map(({ pid }) => pid));
 * await server.ended;
 *
 * @throws Error (rejects) as `serve`, when there are more workers than CPUs, and in a process that is another cluster's worker.
 */
export async function serveWorkers({
  workers,
  onWarning = (message) => process.emitWarning(message),
  ...options
}: ServeWorkersOptions): Promise<WorkerServer> {
  if (process.env[workerVariable] !== undefined && cluster.isWorker) return serveAsWorker(options);
  if (cluster.isWorker)
    throw new Error('serveWorkers: this process is a worker of a cluster already; call serve there');
  const { shutdownDelay, drainTimeout, host, port, grpcPort } = { ...serveDefaults, ...options };
  // Before the models, which take longer; and the same one for each worker, whenever it starts.
  const address = await oneAddress(host);
  const ports = {
    port: await freePort(address, port),
    ...(grpcPort === undefined ? {} : { grpcPort: await freePort(address, grpcPort) }),
  };
  const primary = new Primary(workers, ports, onWarning);
  // Each ends by itself unless it hangs.
  const limit = shutdownDelay + drainTimeout + 5000;
  let closed: Promise<void> | undefined;
  const close = () => {
    closed ??= primary.close(limit);
    return closed;
  };
  const ended = primary.ended.catch(async (error) => {
    await close();
    throw error;
  });
  ended.catch(() => {}); // whoever waits for it hears of it
  try {
    await primary.complete;
  } catch (error) {
    await close();
    throw error;
  }
  return {
    ...primary.addresses,
    get models() {
      return primary.versions.map(({ name }) => name);
    },
    get workers() {
      return primary.processes;
    },
    ended,
    reloadSecrets: () => primary.reloadSecrets(),
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** @throws Error (rejects) when it is taken. */
async function freePort(host: string, wanted: number): Promise<number> {
  const server = createServer();
  server.listen(wanted, host);
  await once(server, 'listening').catch((error: Error) => {
    throw listenError(host, wanted, error);
  });
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
