/**
 * `octavo/server`: serves saved models over the network by the Open Inference Protocol v2. It knows models by what `octavo/runtime`
 * exports, and nothing that makes them.
 * @module octavo/server
 */
export { ProtocolError } from './errors.ts';
export { type HealthOptions, type HealthService, openHealthService } from './grpc/health.ts';
export { type GrpcService, openInferenceService } from './grpc/service.ts';
export type { InferenceOptions, ModelControl } from './inference/service.ts';
export { type IndexEntry, type LoadOptions, ModelRepository } from './models/repository.ts';
export type { ServedModel } from './models/served-model.ts';
export { type OpenInferenceOptions, openInference } from './rest/plugin.ts';
export { type InferenceServer, type ServeOptions, serve } from './server.ts';
