import { lookup } from 'node:dns/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Server as TlsServer } from 'node:tls';
import type { FastifyInstance } from 'fastify';
import type { GrpcListener } from './grpc/listener.ts';
import { httpApp } from './http/app.ts';
import { Connections } from './http/connections.ts';
import { listenError } from './listen-error.ts';
import { metricsFrom, metricsOf } from './metrics/plugin.ts';
import { metricsOfReport, type ServerReport } from './metrics/server-report.ts';
import { type LoadedVersion, ModelRepository, type RepositoryControl } from './models/repository.ts';
import { openInference } from './rest/plugin.ts';
import { ServerSecrets } from './security/server-secrets.ts';
import { checkServeOptions, type ServeOptions, serveDefaults } from './serve-options.ts';

/** A server that listens. */
export interface InferenceServer extends AsyncDisposable {
  /** `http://127.0.0.1:8000` */
  readonly url: string;
  /** Where it speaks gRPC, `127.0.0.1:8001`; undefined if it does not. */
  readonly grpcAddress: string | undefined;
  readonly repository: ModelRepository;
  readonly app: FastifyInstance;
  /**
   * Reads the files of TLS and of the token again, which are replaced from time to time: a certificate is for connections that are opened
   * from then on, a token for all requests.
   * @throws Error (rejects) that names the file, as where there is none; then it goes on with those it has.
   */
  reloadSecrets(): Promise<void>;
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
 * @throws Error (rejects) that names the option that is wrong; when there are no models, one cannot be loaded, the files of TLS do not go
 *     together, or the port is taken.
 */
export function serve(options: ServeOptions): Promise<InferenceServer> {
  return serveAsPart(options, {});
}

/** What a server has otherwise that is one of several which serve the same models. */
export interface ServerPart {
  /** What to load, if not the newest version of every model. */
  readonly versions?: readonly LoadedVersion[] | undefined;
  readonly control?: RepositoryControl;
  /** Whether the others are there. */
  readonly isComplete?: () => boolean;
  /** What all of them tell of themselves. */
  readonly report?: () => Promise<ServerReport>;
}

/** {@link serve} for one of several servers. */
export async function serveAsPart(options: ServeOptions, part: ServerPart): Promise<InferenceServer> {
  const { models, load = {}, version = '', tls } = options;
  const { host = serveDefaults.host, port = serveDefaults.port, grpcPort } = options;
  const { modelControl = serveDefaults.modelControl, bodyLimit = serveDefaults.bodyLimit } = options;
  const { requestTimeout = serveDefaults.requestTimeout } = options;
  const { shutdownDelay = serveDefaults.shutdownDelay, drainTimeout = serveDefaults.drainTimeout } = options;
  // All that can be wrong before the models, which take longer.
  checkServeOptions(options);
  const secrets = await ServerSecrets.read(options);
  const app = httpApp(options, secrets);
  const connections = new Connections(app.server);
  let isReady = true;
  // A connection that stays open would hold the end up.
  app.addHook('onSend', async (_, reply) => {
    if (!isReady) reply.header('connection', 'close');
  });
  const repository = await ModelRepository.open(models, load, part.versions);
  let grpc: GrpcListener | undefined;
  const end = async () => {
    const cut = setTimeout(() => connections.cutAll(), drainTimeout);
    // Not only once: some may have been opened last.
    const cutUnused = setInterval(() => connections.cutUnused(), unusedInterval);
    try {
      await Promise.all([app.close(), grpc?.close(drainTimeout)]);
    } finally {
      clearTimeout(cut);
      clearInterval(cutUnused);
      await repository[Symbol.asyncDispose]();
    }
  };
  let closed: Promise<void> | undefined;
  const close = () => {
    isReady = false;
    closed ??= sleep(shutdownDelay).then(end);
    return closed;
  };
  const reloadSecrets = async () => {
    const replaced = await secrets.reload();
    if (!replaced) return;
    (app.server as unknown as TlsServer).setSecureContext(replaced);
    grpc?.replaceTls(replaced);
  };
  try {
    const { control = repository, isComplete = () => true, report } = part;
    const own = metricsOf(repository);
    const inference = {
      repository,
      control,
      serverVersion: version,
      isReady: () => isReady && isComplete(),
      modelControl,
      ...(report && { statistics: async () => (await report()).versions }),
    };
    await app.register(openInference, inference);
    await app.register(metricsFrom(report ? async () => metricsOfReport(await report()) : async () => own));
    const address = await oneAddress(host);
    if (grpcPort !== undefined) {
      // Here, so that a server that speaks REST alone does not load it.
      const { listenToGrpc } = await import('./grpc/listener.ts');
      const limits = { bodyLimit, requestTimeout, secrets };
      const log = options.logger ? app.log : undefined;
      grpc = await listenToGrpc({ ...inference, host: address, port: grpcPort, ...limits, log });
    }
    const url = await listen(app, address, port, tls ? 'https' : 'http');
    return {
      url,
      grpcAddress: grpc?.address,
      repository,
      app,
      reloadSecrets,
      close,
      [Symbol.asyncDispose]: close,
    };
  } catch (error) {
    await end();
    throw error;
  }
}

/** In milliseconds: what a client has sent at the last moment has come by then. */
const unusedInterval = 100;

/** Connections that may wait to be accepted, as many as Linux lets: it resets those that come beyond, with what they ask. */
const backlog = 4096;

async function listen(app: FastifyInstance, host: string, port: number, scheme: string): Promise<string> {
  // Fastify does not see what the server that it was given speaks.
  const urlOf = (address: string) => address.replace(/^https?/, scheme);
  const listenTextResolver = (address: string) => `listening at ${urlOf(address)}`;
  try {
    return urlOf(await app.listen({ host, port, backlog, listenTextResolver }));
  } catch (error) {
    throw listenError(host, port, error as Error);
  }
}

/** Fastify makes a server for each address of `localhost`, and waits for the requests of the first one only when it closes. */
export async function oneAddress(host: string): Promise<string> {
  return host === 'localhost' ? (await lookup(host, { order: 'ipv4first' })).address : host;
}
