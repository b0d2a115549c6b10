import type { FastifyServerOptions } from 'fastify';
import { defaultLimits, type HttpLimits } from './http/limits.ts';
import type { ModelControl } from './inference/service.ts';
import type { NamedModel } from './models/model-files.ts';
import type { LoadOptionsOf } from './models/repository.ts';
import type { TlsFiles } from './security/tls-files.ts';
import type { TokenFile } from './security/token-file.ts';

/** Options of {@link serve}. */
export interface ServeOptions extends HttpLimits {
  /** A folder of models ({@link ModelRepository}), one `.octavo` file, or one model with the name under which it is served. */
  readonly models: string | NamedModel;
  /**
   * Default `localhost`; `0.0.0.0` serves other machines, too. `localhost` is one address, 127.0.0.1 where the machine has it, so
   * that there is one server to shut down.
   */
  readonly host?: string;
  /** Default 8000, as Triton's and KServe's; 0: any that is free. */
  readonly port?: number;
  /** Where to listen for gRPC; 8001 is usual, Triton's; 0: any that is free. Undefined: there is no gRPC. */
  readonly grpcPort?: number;
  /** The server's certificate and key: it speaks TLS then. Default: none. */
  readonly tls?: TlsFiles | undefined;
  /**
   * What clients must show as `Authorization: Bearer …`, or the file that holds it; without it they are answered with status 401. The health
   * of the server is told to anyone. Default: none is asked for.
   */
  readonly token?: string | TokenFile | undefined;
  /**
   * How long `close` goes on serving while `v2/health/ready` says no, in milliseconds: until whoever sends requests has heard of it.
   * Default 0.
   */
  readonly shutdownDelay?: number;
  /** How long `close` waits for answers under way, in milliseconds; then their connections are cut. Default 20 seconds. */
  readonly drainTimeout?: number;
  /** How models are loaded: their threads, how many requests may wait, batching. */
  readonly load?: LoadOptionsOf;
  /** Whether clients may load and unload models, as {@link InferenceOptions.modelControl} says. Default `none`. */
  readonly modelControl?: ModelControl;
  /**
   * Fastify's option of that name: true, or options of pino. A request has one line, with the `x-request-id` that its client has sent or
   * that it is given, and that it is answered with. Default: no log.
   */
  readonly logger?: FastifyServerOptions['logger'];
  /** What the server calls itself in its metadata. */
  readonly version?: string;
}

export const serveDefaults = {
  host: 'localhost',
  port: 8000,
  modelControl: 'none',
  shutdownDelay: 0,
  drainTimeout: 20_000,
  ...defaultLimits,
} as const satisfies Partial<ServeOptions>;
