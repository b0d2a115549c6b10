import type { handleUnaryCall, ServerWritableStream } from '@grpc/grpc-js';
import { ProtocolError } from '../errors.ts';
import type { ModelRepository } from '../models/repository.ts';
import { type Sent, serviceDefinition } from './schema.ts';
import { type GrpcService, inferenceServiceName } from './service.ts';
import { statusOf } from './status.ts';

/** Options of {@link openHealthService}. */
export interface HealthOptions {
  readonly repository: ModelRepository;
  /** Whether the server accepts requests. Default: always. */
  readonly isReady?: () => boolean;
}

/** A service that says how others are. */
export interface HealthService extends GrpcService {
  /** Ends the calls that watch, which would hold up the shutdown of the server: they hear that nothing is served any more. */
  close(): void;
}

/** How a service is, as the protocol numbers it. */
const health = { SERVING: 1, NOT_SERVING: 2, SERVICE_UNKNOWN: 3 } as const;
type Health = (typeof health)[keyof typeof health];

type HealthRequest = Sent<{ readonly service: string }>;
interface HealthResponse {
  readonly status: Health;
}

/** Milliseconds until those who watch hear of a change. */
const interval = 500;

/**
 * The standard health service, `grpc.health.v1.Health`, that Kubernetes' probes and gRPC's own clients ask: for the server (an empty
 * name, or `inference.GRPCInferenceService`), or for a model by its name. Those who watch hear of a change within half a second.
 *
 * @example
 * const health = openHealthService({ repository });
 * server.addService(health.definition, health.handlers);
 *
 * @see https://grpc.io/docs/guides/health-checking/
 */
export function openHealthService({ repository, isReady = () => true }: HealthOptions): HealthService {
  const healthOf = (service: string): Health => {
    const isKnown = service === '' || service === inferenceServiceName || repository.names.includes(service);
    if (!isKnown) return health.SERVICE_UNKNOWN;
    return isReady() ? health.SERVING : health.NOT_SERVING;
  };
  const check: handleUnaryCall<HealthRequest, HealthResponse> = ({ request }, callback) => {
    try {
      const { service } = request();
      const status = healthOf(service);
      if (status === health.SERVICE_UNKNOWN)
        throw new ProtocolError(404, `there is no service or model '${service}'`);
      callback(null, { status });
    } catch (error) {
      callback(statusOf(error as Error));
    }
  };
  const watchers = new Watchers(healthOf);
  return {
    definition: serviceDefinition('grpc.health.v1.Health'),
    handlers: { Check: check, Watch: (call: WatchCall) => watchers.add(call) },
    close: () => watchers.close(),
  };
}

type WatchCall = ServerWritableStream<HealthRequest, HealthResponse>;

/** Calls that hear of every change, until they are cancelled. */
class Watchers {
  readonly #healthOf: (service: string) => Health;
  /** With what they ask for and have heard last. */
  readonly #calls = new Map<WatchCall, { readonly service: string; last?: Health }>();
  #timer: NodeJS.Timeout | undefined;

  constructor(healthOf: (service: string) => Health) {
    this.#healthOf = healthOf;
  }

  add(call: WatchCall): void {
    try {
      const { service } = call.request();
      this.#calls.set(call, { service });
    } catch (error) {
      call.emit('error', statusOf(error as Error));
      return;
    }
    call.once('cancelled', () => this.#remove(call));
    this.#tell(call);
    this.#timer ??= setInterval(() => {
      for (const each of this.#calls.keys()) this.#tell(each);
    }, interval).unref();
  }

  close(): void {
    for (const call of [...this.#calls.keys()]) {
      this.#tell(call, health.NOT_SERVING);
      call.end();
      this.#remove(call);
    }
  }

  #tell(call: WatchCall, status?: Health): void {
    const watcher = this.#calls.get(call)!;
    const now = status ?? this.#healthOf(watcher.service);
    if (watcher.last === now) return;
    watcher.last = now;
    call.write({ status: now });
  }

  #remove(call: WatchCall): void {
    this.#calls.delete(call);
    if (this.#calls.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}
