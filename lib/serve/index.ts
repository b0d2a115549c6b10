/**
 * `octavo/server`: serves saved models over the network by the Open Inference Protocol v2. It knows models by what `octavo/runtime`
 * exports, and nothing that makes them.
 * @module octavo/server
 */
export { ProtocolError } from './errors.ts';
export { type IndexEntry, type LoadOptions, ModelRepository } from './repository.ts';
export { type ModelControl, type OpenInferenceOptions, openInference } from './rest.ts';
export type { ServedModel } from './served-model.ts';
export { type InferenceServer, type ServeOptions, serve } from './server.ts';
