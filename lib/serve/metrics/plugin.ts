import type { FastifyPluginAsync } from 'fastify';
import { collectDefaultMetrics, Registry } from 'prom-client';
import type { ModelRepository } from '../models/repository.ts';
import { modelMetrics } from './model-metrics.ts';

/** Options of {@link metrics}. */
export interface MetricsOptions {
  readonly repository: ModelRepository;
}

let ofProcess: Registry | undefined;

/** What is measured of a process is measured once: the watching of its garbage collections and of its event loop never ends. */
function processMetrics(): Registry {
  if (ofProcess) return ofProcess;
  ofProcess = new Registry();
  collectDefaultMetrics({ register: ofProcess });
  return ofProcess;
}

/**
 * The metrics of a repository's models, and of the process: its memory, processor time, and event loop. In a registry of their own, so
 * that it meets no other metrics of the process; {@link metrics} serves it.
 *
 * @example
 * const registry = metricsOf(repository);
 * console.log(await registry.metrics());
 */
export function metricsOf(repository: ModelRepository): Registry {
  return Registry.merge([modelMetrics(repository), processMetrics()]);
}

/**
 * `GET /metrics` in Prometheus' text format as a fastify plugin: what the models of a repository have been asked and what they took, and the
 * state of the process (counterpart: Triton's port 8002, and its names). All requests count that have come by one of this repository's protocols;
 * probes, metadata and this one do not.
 *
 * @example
 * const app = fastify();
 * await app.register(metrics, { repository });
 * await app.listen({ port: 8002 });
 */
export const metrics: FastifyPluginAsync<MetricsOptions> = async (app, { repository }) => {
  const registry = metricsOf(repository);
  app.get('/metrics', async (_, reply) => reply.type(registry.contentType).send(await registry.metrics()));
};
