import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { requestLevel } from '../logging/request-level.ts';
import { isProbe } from './probes.ts';
import { factsOf } from './request-facts.ts';

/** A line in the log for each request, when its answer has been sent or its client has gone; nothing of what bodies and headers hold. */
export function logRequests(app: FastifyInstance): void {
  app.addHook('onRequest', async (request, reply) => {
    reply.raw.once('close', () => logRequest(request, reply));
  });
}

function logRequest(request: FastifyRequest, reply: FastifyReply): void {
  const { method, routeOptions, body } = request;
  const { model, version } = request.params as { readonly model?: string; readonly version?: string };
  const facts = factsOf(request);
  const status = reply.raw.writableFinished ? reply.statusCode : 499;
  const line = {
    method,
    // Without what stands behind a question mark, which may be a secret.
    path: routeOptions.url ?? request.url.split('?')[0].slice(0, 255),
    model,
    version: facts.version ?? version,
    id: facts.id?.slice(0, 128),
    status,
    bytesIn: Buffer.isBuffer(body) ? body.length : 0,
    bytesOut: Number(reply.getHeader('content-length') ?? 0),
    ms: Math.round(reply.elapsedTime * 1000) / 1000,
  };
  request.log[requestLevel(status, isProbe(request))](line, status === 499 ? 'client gone' : 'request');
}
