import type { FastifyPluginAsync } from 'fastify';
import { Registry } from 'prom-client';
import { ProtocolError } from '../errors.ts';
import type { ModelRepository } from '../models/repository.ts';
import { modelMetrics } from './model-metrics.ts';
import { processMetrics } from './process-metrics.ts';

/** Options of {@link metrics}. */
export interface MetricsOptions {
  readonly repository: ModelRepository;
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
  const ofModels = modelMetrics(() => repository.statistics.map(({ tally }) => tally));
  return Registry.merge([ofModels, processMetrics()]);
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
  await app.register(metricsFrom(async () => registry));
};

/** `GET /metrics`, from a registry that may have to be asked for elsewhere first: status 503 where nobody answers. */
export const metricsFrom =
  (read: () => Promise<Registry>): FastifyPluginAsync =>
  async (app) => {
    app.get('/metrics', async (_, reply) => {
      try {
        const registry = await read();
        return reply.type(registry.contentType).send(await registry.metrics());
      } catch (error) {
        if (!(error instanceof ProtocolError)) throw error;
        return reply.status(error.status).type('text/plain').send(`${error.message}\n`);
      }
    });
  };
