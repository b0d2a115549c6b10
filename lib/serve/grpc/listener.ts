import { isIPv6 } from 'node:net';
import { Server, ServerCredentials } from '@grpc/grpc-js';
import type { FastifyBaseLogger } from 'fastify';
import type { InferenceOptions } from '../inference/service.ts';
import { listenError } from '../listen-error.ts';
import type { ServerSecrets } from '../security/server-secrets.ts';
import type { TlsSecrets } from '../security/tls-files.ts';
import { openHealthService } from './health.ts';
import { limitUploads, streamOf } from './limit-uploads.ts';
import { logCalls } from './log-calls.ts';
import { requireToken } from './require-token.ts';
import { openInferenceService } from './service.ts';
import { TlsCredentials } from './tls-credentials.ts';

/** Where a gRPC server listens, and what it reads. */
export interface GrpcListenerOptions extends InferenceOptions {
  readonly host: string;
  /** 0: any that is free. */
  readonly port: number;
  /** The largest request in bytes; a larger one is refused with `RESOURCE_EXHAUSTED`. */
  readonly bodyLimit: number;
  /** Clients must show the token in the metadata `authorization`. */
  readonly secrets: ServerSecrets;
  /** How long a request may take to arrive, in milliseconds; 0: forever. */
  readonly requestTimeout: number;
  /** Where a call has a line; undefined: nowhere. */
  readonly log: FastifyBaseLogger | undefined;
}

/** A gRPC server that listens. */
export interface GrpcListener {
  /** `127.0.0.1:8001` */
  readonly address: string;
  /** Where it speaks TLS, it does so with these for connections that are opened from now on. */
  replaceTls(secrets: TlsSecrets): void;
  /** Accepts no calls any more, waits for those under way up to `drainTimeout` milliseconds, and cuts what is left then. */
  close(drainTimeout: number): Promise<void>;
}

/** Calls of one connection at a time: as many as may wait for a model by default. */
const mostCalls = 1024;
/** A client that is gone without a word is found out in so many milliseconds. */
const keepalive = 60_000;

/**
 * Serves the inference protocol and the standard health service over gRPC.
 * @throws Error (rejects) when the port is taken.
 */
export async function listenToGrpc(options: GrpcListenerOptions): Promise<GrpcListener> {
  const { host, port, bodyLimit, secrets, requestTimeout, log } = options;
  const server = new Server({
    'grpc.max_receive_message_length': bodyLimit,
    'grpc.max_send_message_length': -1,
    'grpc.max_concurrent_streams': mostCalls,
    'grpc.keepalive_time_ms': keepalive,
    interceptors: [
      // The first one is given more than the others are.
      (method, call) => {
        const logged = logCalls(log)(method, call);
        return limitUploads(requestTimeout, streamOf(call))(method, logged);
      },
      ...(secrets.token ? [requireToken(secrets.token)] : []),
    ],
  });
  const health = openHealthService(options);
  for (const { definition, handlers } of [openInferenceService(options), health])
    server.addService(definition, handlers);
  const tls = secrets.tls && new TlsCredentials(secrets.tls);
  const name = isIPv6(host) ? `[${host}]` : host;
  const bound = await new Promise<number>((resolve, reject) => {
    server.bindAsync(`${name}:${port}`, tls ?? ServerCredentials.createInsecure(), (error, number) => {
      if (error) reject(listenError(host, port, error));
      else resolve(number);
    });
  });
  const close = (drainTimeout: number) =>
    new Promise<void>((resolve) => {
      health.close();
      const cut = setTimeout(() => server.forceShutdown(), drainTimeout);
      server.tryShutdown(() => {
        clearTimeout(cut);
        resolve();
      });
    });
  return { address: `${name}:${bound}`, replaceTls: (replaced) => tls?.replace(replaced), close };
}
