import { lookup } from 'node:dns/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import fastify, { type FastifyInstance, type FastifyReply } from 'fastify';
import type { GrpcListener } from './grpc/listener.ts';
import type { ModelControl } from './inference/service.ts';
import { type LoadOptions, ModelRepository } from './models/repository.ts';
import { openInference } from './rest/plugin.ts';

/** Options of {@link serve}. */
export interface ServeOptions {
  /** A folder of models ({@link ModelRepository}), or one `.octavo` file. */
  readonly models: string;
  /**
   * Default `localhost`; `0.0.0.0` serves other machines, too. `localhost` is one address, 127.0.0.1 where the machine has it, so
   * that there is one server to shut down.
   */
  readonly host?: string;
  /** Default 8000, as Triton's and KServe's; 0: any that is free. */
  readonly port?: number;
  /** Where to listen for gRPC; 8001 is usual, Triton's; 0: any that is free. Undefined: there is no gRPC. */
  readonly grpcPort?: number;
  /** The largest request in bytes; a larger one is refused with status 413, or gRPC's `RESOURCE_EXHAUSTED`. Default 64 MiB. */
  readonly bodyLimit?: number;
  /**
   * How long `close` goes on serving while `v2/health/ready` says no, in milliseconds: until whoever sends requests has heard of it.
   * Default 0.
   */
  readonly shutdownDelay?: number;
  /** How long `close` waits for answers under way, in milliseconds; then their connections are cut. Default 20 seconds. */
  readonly drainTimeout?: number;
  /** How models are loaded: their threads, how many requests may wait, batching. */
  readonly load?: LoadOptions;
  /** Whether clients may load and unload models, as {@link OpenInferenceOptions.modelControl} says. Default `none`. */
  readonly modelControl?: ModelControl;
  /** What the server calls itself in its metadata. */
  readonly version?: string;
}

/** A server that listens. */
export interface InferenceServer extends AsyncDisposable {
  /** `http://127.0.0.1:8000` */
  readonly url: string;
  /** Where it speaks gRPC, `127.0.0.1:8001`; undefined if it does not. */
  readonly grpcAddress: string | undefined;
  readonly repository: ModelRepository;
  readonly app: FastifyInstance;
  /** Says that it is not ready, later accepts no connections any more, answers what it has accepted, and frees the models. */
  close(): Promise<void>;
}

/**
 * Serves models by the Open Inference Protocol v2 over HTTP, and over gRPC with the standard health service.
 *
 * @example
 * await using server = await serve({ models: 'models', load: { batching: { maxBatchSize: 16 } } });
 * console.log(server.url);
 *
 * @throws Error (rejects) when there are no models, one cannot be loaded, or the port is taken.
 */
export async function serve(options: ServeOptions): Promise<InferenceServer> {
  const {
    models,
    host = 'localhost',
    port = 8000,
    grpcPort,
    load = {},
    version = '',
    modelControl = 'none',
  } = options;
  const { bodyLimit = 64 * 2 ** 20, shutdownDelay = 0, drainTimeout = 20_000 } = options;
  const app = fastify({
    bodyLimit,
    forceCloseConnections: 'idle',
    // The longest name that a file has.
    routerOptions: { maxParamLength: 255 },
    frameworkErrors: (error, _request, reply: FastifyReply) =>
      reply.status(error.statusCode ?? 400).send({ error: error.message }),
  });
  app.setNotFoundHandler(({ method, url }, reply) =>
    reply.status(404).send({ error: `there is no ${method} ${url}` }),
  );
  let isReady = true;
  // A connection that stays open would hold the end up.
  app.addHook('onSend', async (_, reply) => {
    if (!isReady) reply.header('connection', 'close');
  });
  const repository = await ModelRepository.open(models, load);
  let grpc: GrpcListener | undefined;
  const end = async () => {
    const cut = setTimeout(() => app.server.closeAllConnections(), drainTimeout);
    try {
      await Promise.all([app.close(), grpc?.close(drainTimeout)]);
    } finally {
      clearTimeout(cut);
      await repository[Symbol.asyncDispose]();
    }
  };
  let closed: Promise<void> | undefined;
  const close = () => {
    isReady = false;
    closed ??= sleep(shutdownDelay).then(end);
    return closed;
  };
  try {
    const inference = { repository, serverVersion: version, isReady: () => isReady, modelControl };
    await app.register(openInference, inference);
    const address = await oneAddress(host);
    if (grpcPort !== undefined) {
      // Here, so that a server that speaks REST alone does not load it.
      const { listenToGrpc } = await import('./grpc/listener.ts');
      grpc = await listenToGrpc({ ...inference, host: address, port: grpcPort, bodyLimit });
    }
    const url = await app.listen({ host: address, port });
    return { url, grpcAddress: grpc?.address, repository, app, close, [Symbol.asyncDispose]: close };
  } catch (error) {
    await end();
    throw error;
  }
}

/** Fastify makes a server for each address of `localhost`, and waits for the requests of the first one only when it closes. */
async function oneAddress(host: string): Promise<string> {
  return host === 'localhost' ? (await lookup(host, { order: 'ipv4first' })).address : host;
}
