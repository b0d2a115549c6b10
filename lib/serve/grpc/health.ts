import type { handleServerStreamingCall, handleUnaryCall, ServerWritableStream } from '@grpc/grpc-js';
import type { ModelRepository } from '../models/repository.ts';
import { serviceDefinition } from './schema.ts';
import { type GrpcService, inferenceServiceName } from './service.ts';

/** How a service is; an enumeration of the protocol. */
const serving = 1;
const notServing = 2;
const serviceUnknown = 3;

interface HealthRequest {
  readonly service: string;
}

interface HealthResponse {
  readonly status: number;
}

/** Options of {@link openHealthService}. */
export interface HealthOptions {
  readonly repository: ModelRepository;
  /** Whether the server accepts requests. Default: always. */
  readonly isReady?: () => boolean;
}

/** A health service. */
export interface HealthService extends GrpcService {
  /** Ends the calls that watch, which would hold the shutdown of the server up: they hear that nothing is served any more. */
  close(): void;
}

/** How often those who watch are told of changes, in milliseconds. */
const interval = 500;
/** gRPC's status `NOT_FOUND`. */
const notFound = 5;

/**
 * The standard health service, `grpc.health.v1.Health`, which Kubernetes' gRPC probes and gRPC's own clients ask: of the server
 * (an empty name, or `inference.GRPCInferenceService`) or of a model by its name. Those who watch hear of changes within half a second.
 *
 * @example
 * const health = openHealthService({ repository });
 * server.addService(health.definition, health.handlers);
 *
 * @see https://grpc.io/docs/guides/health-checking/
 */
export function openHealthService({ repository, isReady = () => true }: HealthOptions): HealthService {
  const watching = new Map<ServerWritableStream<HealthRequest, HealthResponse>, number>();
  let timer: NodeJS.Timeout | undefined;

  const statusOf = (service: string): number => {
    const isModel = service !== '' && service !== inferenceServiceName;
    if (isModel && !repository.names.includes(service)) return serviceUnknown;
    return isReady() ? serving : notServing;
  };
  const tell = (call: ServerWritableStream<HealthRequest, HealthResponse>, status: number) => {
    if (watching.get(call) === status) return;
    watching.set(call, status);
    call.write({ status });
  };
  const leave = (call: ServerWritableStream<HealthRequest, HealthResponse>) => {
    watching.delete(call);
    if (watching.size === 0) clearInterval(timer);
  };

  const check: handleUnaryCall<HealthRequest, HealthResponse> = ({ request: { service } }, callback) => {
    const status = statusOf(service);
    if (status === serviceUnknown)
      callback({ code: notFound, details: `there is no service or model of that name` });
    else callback(null, { status });
  };
  const watch: handleServerStreamingCall<HealthRequest, HealthResponse> = (call) => {
    call.once('cancelled', () => leave(call));
    if (watching.size === 0)
      timer = setInterval(() => {
        for (const each of watching.keys()) tell(each, statusOf(each.request.service));
      }, interval).unref();
    tell(call, statusOf(call.request.service));
  };
  const close = () => {
    for (const call of [...watching.keys()]) {
      tell(call, notServing);
      call.end();
      leave(call);
    }
  };
  return {
    definition: serviceDefinition('grpc.health.v1.Health'),
    handlers: { Check: check, Watch: watch },
    close,
  };
}
