/**
 * `octavo/server`: serves saved models over the network by the Open Inference Protocol v2. It knows models by what `octavo/runtime`
 * exports, and nothing that makes them.
 * @module octavo/server
 */
export { ProtocolError } from './errors.ts';
export { type HealthOptions, type HealthService, openHealthService } from './grpc/health.ts';
export { type GrpcService, openInferenceService } from './grpc/service.ts';
export type { HttpLimits } from './http/limits.ts';
export type { InferenceOptions, ModelControl } from './inference/service.ts';
export { type MetricsOptions, metrics, metricsOf } from './metrics/plugin.ts';
export type { DurationHistogram } from './models/duration-histogram.ts';
export type { NamedModel } from './models/model-files.ts';
export {
  type IndexEntry,
  type LoadedVersion,
  type LoadOptions,
  type LoadOptionsOf,
  ModelRepository,
  type PreparedLoad,
  type RepositoryControl,
} from './models/repository.ts';
export type { ServedModel } from './models/served-model.ts';
export type { VersionStatistics } from './models/version-statistics.ts';
export type {
  CountedTime,
  Distribution,
  FailureReason,
  Protocol,
  RunTally,
  VersionCounts,
  VersionTally,
} from './models/version-tally.ts';
export { type OpenInferenceOptions, openInference } from './rest/plugin.ts';
export { BearerToken } from './security/bearer-token.ts';
export type { TlsFiles } from './security/tls-files.ts';
export type { TokenFile } from './security/token-file.ts';
export type { ServeOptions } from './serve-options.ts';
export { type InferenceServer, serve } from './server.ts';
export { type ServeWorkersOptions, serveWorkers, type WorkerServer } from './workers/serve-workers.ts';
